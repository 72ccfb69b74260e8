import SweepModel

/// An option of sbatch, as arguments and as a line of the script.
struct SlurmOption {
  var arguments: [String]
  /// nil where no quoting in a script would keep it whole; it stands in the command line alone then.
  var directive: String?

  init(_ name: String, _ value: String? = nil) {
    guard let value else {
      arguments = [name]
      directive = name
      return
    }
    arguments = ["\(name)=\(value)"]
    directive = Self.quoted(value).map { "\(name)=\($0)" }
  }

  /// An option in the site's own words: `--gres=gpu:v100:2`, `--comment=two words`, `-C haswell`.
  init(verbatim text: String) throws {
    let name = text.prefix { $0 != "=" && $0 != " " }
    try Self.refuse(name, in: text)
    let rest = text.dropFirst(name.count)
    if rest.first == " " {
      let value = String(rest.drop { $0 == " " })
      arguments = [String(name), value]
      directive = Self.quoted(value).map { "\(name) \($0)" }
    } else if name.hasPrefix("--"), rest.first == "=" {
      self = SlurmOption(String(name), String(rest.dropFirst()))
    } else {
      arguments = [text]
      directive = Self.quoted(text)
    }
  }

  /// As sbatch reads a directive: `#` begins a comment outside of quotes, a backslash counts inside of them too.
  private static func quoted(_ value: String) -> String? {
    let plain = value.utf8.allSatisfy { byte in
      byte > 0x20 && byte < 0x7F && !"#'\"\\".utf8.contains(byte)
    }
    if plain { return value }
    return value.contains("\"") || value.contains("\\") ? nil : "\"\(value)\""
  }

  /// What names the job, says where it runs and writes, or how sbatch answers is not for others to set.
  private static let reserved = [
    "array", "job-name", "output", "error", "input", "open-mode", "chdir", "workdir", "parsable", "quiet",
    "wrap",
    "wait", "test-only", "requeue", "no-requeue", "help", "usage", "version",
  ]
  private static let reservedLetters = "aJoeiDQWhV"
  /// Without a value, so that another option may follow in the same word.
  private static let flagLetters = "HIkOsv"

  private static func refuse(_ name: Substring, in text: String) throws {
    let taken: Bool
    if name.hasPrefix("--") {
      // Long names may be shortened.
      let word = name.dropFirst(2)
      taken = reserved.contains { $0.hasPrefix(word) }
    } else {
      taken = name.dropFirst().drop(while: flagLetters.contains).first.map(reservedLetters.contains) ?? false
    }
    if taken {
      throw QueueError(
        .badData,
        "the option \"\(text)\" cannot be given to sbatch: it is set for every submission, or would keep it "
          + "from being one", remedy: "Leave it out")
    }
  }
}
