import SweepModel

/// An argument vector as a person would type it.
enum CommandText {
  /// Arguments separated by spaces, quoted for a shell where they must be.
  static func line(_ arguments: [String]) -> String {
    arguments.map { isPlain($0) ? $0 : ShellText.quote($0) }.joined(separator: " ")
  }

  private static func isPlain(_ argument: String) -> Bool {
    !argument.isEmpty
      && argument.utf8.allSatisfy {
        ($0 | 0x20 >= 97 && $0 | 0x20 <= 122) || ($0 >= 48 && $0 <= 57) || $0 >= 0x80
          || "_-./=:,@%+{}".utf8.contains($0)
      }
  }

  /// `lr=0.1 seed=3`: parameters as they stand in the database, in one line.
  static func parameters(_ json: String) -> String {
    guard let point = try? Point(json: json) else { return json }
    return point.entries.map { "\($0.name)=\($0.value)" }.joined(separator: " ")
  }
}
