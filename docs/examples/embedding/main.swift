// A parameter sweep in a program of your own. Run it as: EmbeddingExample QUEUE-FOLDER PATH-OF-SWEEPQ
import SweepModel
import SweepWorker

let arguments = CommandLine.arguments
let queue = try Queue(folder: arguments[1])

let sweep = try queue.submit(
  ["sh", "-c", "echo '{\"area\": '$(({w} * {h}))'}' > $SWEEPQ_RESULT"],
  parameters: ["w=1..3", "h=2,4"], name: "areas")
print("submitted \(sweep.added) jobs")

let report = try queue.work(slots: 2, supervisor: arguments[2])
print("\(report.succeeded) succeeded")

guard let counts = try queue.wait(for: sweep.sweep, timeout: 10_000) else {
  throw QueueError(.busy, "not done in 10 s")
}
print("\(counts[.completed]) of \(counts.total) completed")

for job in try queue.results(of: "areas") {
  print(job.parameters, job.results.map { "\($0.name)=\($0.value)" }.joined(separator: " "))
}
