import ArgumentParser
import SweepModel

struct CompletionsCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "completions",
    abstract: "Print a completion script for a shell.",
    discussion: """
        sweepq completions bash > ~/.local/share/bash-completion/completions/sweepq
        sweepq completions zsh > ~/.zfunc/_sweepq
        sweepq completions fish > ~/.config/fish/completions/sweepq.fish
      """)

  enum Shell: String, CaseIterable, ExpressibleByArgument { case bash, zsh, fish }

  @Argument(
    help: ArgumentHelp("bash, zsh or fish.", valueName: "shell"),
    completion: .list(Shell.allCases.map(\.rawValue)))
  var shell: Shell

  func run() throws {
    let kind: CompletionShell =
      switch shell {
      case .bash: .bash
      case .zsh: .zsh
      case .fish: .fish
      }
    var stream = StandardStream(descriptor: 1)
    try stream.write(SweepqCommand.completionScript(for: kind))
    try stream.write("\n")
    try stream.flush()
  }
}
