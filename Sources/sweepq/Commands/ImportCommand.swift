import ArgumentParser
import SweepModel
import SweepStore

struct ImportCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "import",
    abstract: "Take over what other programs have written.",
    discussion: """
        sweepq import machines machine.json resources.json
      """,
    subcommands: [ImportMachinesCommand.self])
}

struct ImportMachinesCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "machines",
    abstract: "Make executors of another program's machines.",
    discussion: """
      Reads machines and resources of dpdispatcher, also where they stand in the files of programs above it, and the \
      config of HPC Sweep Manager; JSON or YAML. The executors are added to the queue's config.yaml. What each thing \
      became is shown, and why where it became nothing. Passwords are never stored.

        sweepq import machines machine.json resources.json --name lab
        sweepq import machines .hsm/config.yaml --dry-run
      """)

  @OptionGroup(title: "Queue and output") var queue: QueueOptions

  @Argument(
    help: ArgumentHelp("Files that belong together: of a machine, and of its resources.", valueName: "file"),
    completion: .file(extensions: ["json", "yaml", "yml"]))
  var files: [String]

  @Option(help: ArgumentHelp("What the executor is to be called, where it is one.", valueName: "name"))
  var name: String?

  @Flag(name: .customLong("dry-run"), help: "Show what would be added, and change nothing.")
  var dryRun = false

  func run() throws {
    let store = try queue.openStore()
    let result = try MachineImport.read(files.map { (path: $0, text: try Self.text(of: $0)) }, name: name)
    let file = ConfigFile(path: store.folder.configuration)
    let changed = try ExecutorSettings.adding(result.entries, to: try file.text() ?? "", file: file.path)
    if !dryRun, !result.entries.isEmpty { try file.replace(with: changed) }
    try queue.output.present {
      [
        "source": .text(result.source.rawValue), "dry_run": .boolean(dryRun),
        "executors": .array(result.entries.map { .text($0.name) }),
        "findings": .array(result.findings.map(Self.json)),
      ]
    } ids: {
      result.entries.map(\.name)
    } human: { page in
      write(result, file.path, to: &page)
    }
    if result.entries.isEmpty { throw ExitCode(QueueError.Code.badData.rawValue) }
  }

  private static func text(of path: String) throws -> String {
    do {
      if let text = try ConfigFile(path: path).text() { return text }
    } catch let error as QueueError where error.code == .configuration {
      throw QueueError(.badData, error.message, remedy: "Give a JSON or YAML file")
    }
    throw QueueError(.badData, "there is no file \(path)", remedy: "Check its name")
  }

  private static func json(_ finding: MachineImport.Finding) -> JSONValue {
    var became = JSONValue.null
    var reason: String?
    switch finding.outcome {
    case .became(let settings): became = .array(settings.map { .text($0) })
    case .left(let why): reason = why
    }
    return .object([
      "executor": JSONValue(finding.executor), "from": .text(finding.source),
      "value": JSONValue(finding.value),
      "became": became, "reason": JSONValue(reason), "remark": JSONValue(finding.remark),
    ])
  }

  private func write(_ result: MachineImport, _ file: String, to page: inout Page) {
    let names = result.entries.map(\.name)
    if names.isEmpty {
      page.line("\(result.source.rawValue): nothing in it can be an executor")
    } else {
      let verb = dryRun ? "would stand" : names.count == 1 ? "stands" : "stand"
      page.line("\(result.source.rawValue): \(names.joined(separator: ", ")) \(verb) in \(file)")
    }
    let isOne = names.count == 1
    let columns: [TextTable.Column] = [.flexible("there"), .flexible("here"), .flexible("remark")]
    var table = TextTable(isOne ? columns : [.text("executor")] + columns)
    var left: [MachineImport.Finding] = []
    for finding in result.findings {
      guard case .became(let settings) = finding.outcome else {
        left.append(finding)
        continue
      }
      let cells: [TextTable.Cell] = [
        .init(Self.said(finding)), settings.isEmpty ? .none : .init(settings.joined(separator: "; ")),
        .init(finding.remark ?? "", paint: .dim),
      ]
      table.add(isOne ? cells : [.init(finding.executor ?? "", paint: .bold)] + cells)
    }
    if !table.rows.isEmpty {
      page.line()
      page.table(table)
    }
    if !left.isEmpty {
      page.line()
      page.line("Not translated:")
      for finding in left {
        guard case .left(let reason) = finding.outcome else { continue }
        let owner = isOne ? "" : finding.executor.map { "\($0): " } ?? ""
        page.line("  \(owner)\(Self.said(finding)): \(reason)".singleLine)
      }
    }
    if dryRun, !result.entries.isEmpty {
      page.line()
      page.line("\(ExecutorSettings.section):")
      for entry in result.entries { for line in entry.lines(indent: 2) { page.line(line) } }
    } else if let name = names.first {
      page.line()
      page.line("Try \(names.count == 1 ? "it" : "them") with: sweepq executors test \(name)")
    }
  }

  private static func said(_ finding: MachineImport.Finding) -> String {
    finding.source + (finding.value.map { " = \($0)" } ?? "")
  }
}
