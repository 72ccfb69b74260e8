import SweepModel
import Testing

@testable import sweepq

/// The page of the commands tells of all of them.
struct DocumentationTests {
  private static let page =
    TextFile.read(
      #filePath.split(separator: "/").dropLast(3).reduce("") { "\($0)/\($1)" } + "/docs/commands.md") ?? ""
  private static let commands = SweepqCommand.configuration.subcommands.filter {
    $0.configuration.shouldDisplay
  }

  @Test(arguments: commands.map { $0.configuration.commandName ?? "" })
  func everyCommandAndOptionIsThere(name: String) throws {
    #expect(Self.page.contains("**`\(name)"), "\(name) has a paragraph")
    let command = try #require(Self.commands.first { $0.configuration.commandName == name })
    let help = SweepqCommand.helpMessage(for: command, columns: 1000)
    let usage = try #require(help.split(separator: "USAGE:").last)
    let options = usage.split(separator: "\n").compactMap {
      $0.split(separator: " ").first { $0.hasPrefix("--") }
    }
    for option in options where option != "--version" && option != "--help" {
      #expect(Self.page.contains(option), "\(name) \(option) is told of")
    }
  }

  @Test func exitCodesAreThere() {
    for code in [0, 1, 64, 65, 69, 70, 75, 77, 78, 124, 130] { #expect(Self.page.contains("| \(code) |")) }
    for key in QueueSettings.Key.allCases.map(\.rawValue) { #expect(Self.page.contains("`\(key)`")) }
  }
}
