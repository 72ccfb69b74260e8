/// An environment variable of another program's description, as lines of set-up.
struct EnvironmentLine {
  private let name: String
  private let value: MachineDocument

  init(_ member: MachineDocument.Member) {
    name = member.name
    value = member.value
  }

  func translate(_ source: String, into result: inout MachineTranslation) {
    let place = "\(source).\(name)"
    guard isName else { return result.leave(place, value, "it is no name of an environment variable") }
    guard !SecretName.isOne(name) else {
      return result.leave(
        place, nil, "it looks like a secret, which is never stored: sweepq submit --env \(name)")
    }
    for text in value.texts {
      result.become(place, .text(text), .setup, "export \(name)=\(Self.quoted(text))")
    }
  }

  private var isName: Bool {
    guard let first = name.utf8.first, !(48...57).contains(first) else { return false }
    return name.utf8.allSatisfy { ($0 | 32) >= 97 && ($0 | 32) <= 122 || (48...57).contains($0) || $0 == 95 }
  }

  /// What the shell would expand in the source's own scripts, it expands here too.
  private static func quoted(_ text: String) -> String {
    let isPlain =
      !text.isEmpty
      && text.allSatisfy { $0.isASCII && ($0.isLetter || $0.isNumber || "_-./:,+=@%".contains($0)) }
    return isPlain ? text : "\"\(text.replacing("\"", with: "\\\""))\""
  }
}
