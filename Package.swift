// swift-tools-version: 6.2
import PackageDescription

let strict: [SwiftSetting] = [
  .swiftLanguageMode(.v6),
  .treatAllWarnings(as: .error),
]

let package = Package(
  name: "sweepq",
  products: [
    .executable(name: "sweepq", targets: ["sweepq"]),
    .library(name: "SweepQueue", targets: ["SweepModel", "SweepStore", "SweepExecutors", "SweepWorker"]),
  ],
  dependencies: [
    .package(url: "https://github.com/groue/GRDB.swift", from: "7.10.0"),
    .package(url: "https://github.com/apple/swift-argument-parser", from: "1.8.2"),
    .package(url: "https://github.com/jpsim/Yams", from: "6.2.2"),
  ],
  targets: [
    .target(
      name: "CSystem", cSettings: [.treatAllWarnings(as: .error)],
      linkerSettings: [.linkedLibrary("sqlite3")]),
    .target(
      name: "SweepModel",
      dependencies: [.product(name: "Yams", package: "Yams")],
      swiftSettings: strict),
    .target(
      name: "Migrations",
      path: "Migrations",
      resources: [.embedInCode("0001_queue.sql")],
      swiftSettings: strict),
    .target(
      name: "SweepStore",
      dependencies: [
        "SweepModel", "Migrations", "CSystem", .product(name: "GRDB", package: "GRDB.swift"),
      ],
      swiftSettings: strict),
    .target(
      name: "SweepExecutors",
      dependencies: ["SweepModel", "CSystem"],
      resources: [
        .embedInCode("Runner/runner.sh"), .embedInCode("Staging/manifest.sh"),
        .embedInCode("Hosts/remote-command.sh"),
        .embedInCode("Hosts/gates.sh"), .embedInCode("Hosts/parcels.sh"), .embedInCode("Hosts/bundles.sh"),
        .embedInCode("Hosts/probe.sh"), .embedInCode("Hosts/measure.sh"), .embedInCode("Hosts/health.sh"),
        .embedInCode("Project/project.sh"),
        .embedInCode("Schedulers/Direct/task.sh"), .embedInCode("Schedulers/Direct/spool.sh"),
        .embedInCode("Schedulers/Direct/report.sh"), .embedInCode("Schedulers/Direct/control.sh"),
        .embedInCode("Schedulers/Direct/keeper.sh"), .embedInCode("Schedulers/Direct/verb.sh"),
      ],
      swiftSettings: strict),
    .target(
      name: "SweepWorker",
      dependencies: ["SweepModel", "SweepStore", "SweepExecutors"],
      swiftSettings: strict),
    .executableTarget(
      name: "sweepq",
      dependencies: [
        "SweepModel", "SweepStore", "SweepExecutors", "SweepWorker",
        .product(name: "ArgumentParser", package: "swift-argument-parser"),
      ],
      swiftSettings: strict),
    .executableTarget(
      name: "EmbeddingExample", dependencies: ["SweepModel", "SweepWorker"], path: "docs/examples/embedding",
      swiftSettings: strict),
    .executableTarget(
      name: "store-benchmark",
      dependencies: ["SweepModel", "SweepStore"],
      path: "tools/benchmark/StoreBenchmark",
      swiftSettings: strict),
    .testTarget(name: "SweepModelTests", dependencies: ["SweepModel"], swiftSettings: strict),
    .testTarget(
      name: "SweepStoreTests",
      dependencies: ["SweepStore", "Migrations", .product(name: "GRDB", package: "GRDB.swift")],
      swiftSettings: strict),
    .target(name: "TestFiles", path: "Tests/TestFiles", swiftSettings: strict),
    .testTarget(
      name: "SweepExecutorsTests", dependencies: ["SweepExecutors", "TestFiles"], exclude: ["Fixtures"],
      swiftSettings: strict),
    .testTarget(
      name: "SweepWorkerTests", dependencies: ["SweepWorker", "sweepq"], swiftSettings: strict),
    .testTarget(
      name: "EndToEndTests", dependencies: ["sweepq", "EmbeddingExample", "TestFiles"], swiftSettings: strict),
  ]
)
