"""Trains a small classifier on scikit-learn's own digits and leaves its accuracy as a result."""

import argparse
import json
import os
import time

from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split
from sklearn.svm import SVC

parser = argparse.ArgumentParser()
parser.add_argument("--c", type=float, required=True)
parser.add_argument("--gamma", type=float, required=True)
parser.add_argument("--seed", type=int, default=0)
arguments = parser.parse_args()

images, labels = load_digits(return_X_y=True)
train_x, test_x, train_y, test_y = train_test_split(images, labels, test_size=0.5, random_state=arguments.seed)
began = time.perf_counter()
model = SVC(C=arguments.c, gamma=arguments.gamma).fit(train_x, train_y)
seconds = time.perf_counter() - began
accuracy = model.score(test_x, test_y)
print(f"accuracy {accuracy:.4f}")
with open(os.environ["SWEEPQ_RESULT"], "w") as file:
    json.dump({"accuracy": accuracy, "fit_seconds": seconds, "vectors": int(model.n_support_.sum())}, file)
