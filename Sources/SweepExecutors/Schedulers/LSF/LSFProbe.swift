extension LSFDialect {
  package static func probes() -> [SchedulerCommand] {
    let dialect = LSFDialect()
    return [
      dialect.command(["bsub", "-V"], timeout: 10_000), dialect.command(["bjobs", "-V"], timeout: 10_000),
      SchedulerCommand(["id", "-un"], timeout: 10_000),
    ]
  }

  /// Both commands must name the product: their version is theirs to tell, also while no daemon is up.
  package static func recognised(in answers: [CommandAnswer]) -> LSFDialect? {
    guard answers.count >= 2, let first = release(in: answers[0]), let second = release(in: answers[1]),
      first.flavour == second.flavour
    else { return nil }
    var dialect = first
    if answers.count > 2, answers[2].succeeded {
      dialect.user = answers[2].outputLines.last.map { $0.filter { !$0.isWhitespace } }
    }
    return dialect
  }

  /// `IBM Spectrum LSF Standard 10.1.0.9, Dec 16 2019`, `Platform LSF 8.0.1, …`, `openlava project 2.2, …`,
  /// `Platform LSF HPC 7 Update 6, …`
  private static func release(in answer: CommandAnswer) -> LSFDialect? {
    for line in answer.errorLines + answer.outputLines {
      let words = line.prefix { $0 != "," }.split(separator: " ")
      let isOpenLava = words.first?.lowercased() == "openlava"
      guard isOpenLava || words.contains("LSF"),
        let version = words.first(where: { $0.first?.isNumber == true && !numbers(String($0)).isEmpty })
      else { continue }
      let product =
        isOpenLava
        ? "OpenLava"
        : words.prefix { $0 != "LSF" }.filter { ["IBM", "Platform", "Spectrum"].contains($0) }.joined(
          separator: " ") + " LSF"
      let isModern = !isOpenLava && isAtLeast(numbers(String(version)), [9, 1])
      return LSFDialect(
        flavour: isModern ? .modern : .old, product: String(product.drop { $0 == " " }),
        version: String(version))
    }
    return nil
  }
}
