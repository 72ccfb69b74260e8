/// Which files the jobs of a sweep need and leave, and whether each attempt works in a folder of its own.
///
/// Patterns are relative to the sweep's working directory (``SweepSettings/workingDirectory``) where files are
/// forwarded, and to the attempt's work folder where they are collected.
public struct StagingSettings: Hashable, Sendable, Codable {
  /// What an attempt finds in its work folder.
  public var forward: [StagingRule]
  /// What comes back to the working directory when an attempt has ended, however it did.
  public var collect: [StagingRule]
  /// Every attempt works in a fresh folder of its own.
  public var isolate: Bool
  /// Symbolic links that lead out of the folder they are forwarded from are forwarded as they are; otherwise they are
  /// refused.
  public var keepsOutsideLinks: Bool

  public init(
    forward: [StagingRule] = [], collect: [StagingRule] = [], isolate: Bool = false,
    keepsOutsideLinks: Bool = false
  ) {
    self.forward = forward
    self.collect = collect
    self.isolate = isolate
    self.keepsOutsideLinks = keepsOutsideLinks
  }

  /// Nothing is asked for.
  public var isEmpty: Bool { forward.isEmpty && collect.isEmpty && !isolate }
}

/// Some files, and where they go.
public struct StagingRule: Hashable, Sendable, Codable {
  /// A pattern; may hold `{name}` and the other placeholders of a command.
  public var pattern: String
  /// Where they go, relative: a folder, with a slash at the end, or the new name of the one file or folder that the
  /// pattern names. May hold placeholders. nil for the place they have already.
  public var destination: String?
  /// Forwarded as a symbolic link to the original: for large files that are only read.
  public var isLinked: Bool

  public init(pattern: String, destination: String? = nil, isLinked: Bool = false) {
    self.pattern = pattern
    self.destination = destination
    self.isLinked = isLinked
  }

  /// It names the same files for every job, which therefore have to be sent to a host once.
  package var isCommon: Bool {
    !TemplateText(pattern).hasPlaceholders && !TemplateText(destination ?? "").hasPlaceholders
  }

  /// Whether it depends on the job's number, which is not known before the job is submitted.
  package var needsJob: Bool {
    [pattern, destination ?? ""].contains { TemplateText($0).pieces.contains(.job) }
  }

  /// Reads `pattern` or `pattern:destination`; a colon in a pattern is `\:`, or stands between brackets.
  ///
  /// - Parameters:
  ///   - option: for messages, as in `--forward`.
  ///   - folder: the folder that an absolute pattern may begin with.
  /// - Throws: ``QueueError`` with `usage`.
  public static func parse(
    _ text: String, option: String, folder: String, isLinked: Bool = false
  ) throws(QueueError) -> StagingRule {
    var rule = StagingRule(pattern: text, isLinked: isLinked)
    if let colon = separator(in: text) {
      rule.pattern = String(text[..<colon])
      rule.destination = String(text[text.index(after: colon)...])
    }
    if rule.pattern.hasPrefix(folder + "/"), folder.hasPrefix("/") {
      rule.pattern = String(rule.pattern.dropFirst(folder.count + 1))
    }
    do { _ = try rule.resolve { _ in "x" } } catch {
      throw QueueError(error.code, "\(option): \(error.message)", remedy: error.remedy)
    }
    return rule
  }

  /// Refuses a placeholder that is none of `names`.
  public func validate(names: [String]) throws {
    for text in [pattern, destination ?? ""] { try TemplateText(text).validate(names: names) }
  }

  private static func separator(in text: String) -> String.Index? {
    var (isEscaped, isInBrackets) = (false, false)
    for index in text.indices {
      let character = text[index]
      if isEscaped {
        isEscaped = false
      } else if character == "\\" {
        isEscaped = true
      } else if character == "[" {
        isInBrackets = true
      } else if character == "]" {
        isInBrackets = false
      } else if character == ":", !isInBrackets {
        return index
      }
    }
    return nil
  }
}

/// A rule for one job.
package struct ResolvedStagingRule: Hashable, Sendable {
  package let glob: PathGlob
  /// nil for the place the files have already.
  package let destination: RelativePath?
  /// The destination is a folder for what the pattern names, not a new name for it.
  package let isIntoFolder: Bool
  package let isLinked: Bool

  /// The same rule, for copies in any case.
  package var copied: ResolvedStagingRule {
    ResolvedStagingRule(glob: glob, destination: destination, isIntoFolder: isIntoFolder, isLinked: false)
  }

  /// Where a file that the pattern names, or that is in a folder it names, goes.
  package func destination(of path: RelativePath) -> RelativePath {
    guard let destination else { return path }
    let fixed = glob.fixedCount
    let isPlain = fixed == glob.components.count
    if !isIntoFolder { return destination.appending(path.dropFirst(fixed)) }
    return destination.appending(path.dropFirst(isPlain ? fixed - 1 : fixed))
  }
}

extension StagingRule {
  /// - Throws: ``QueueError`` with `usage` where a parameter's value makes a path of it that leads elsewhere.
  package func resolved(
    _ point: Point, job: JobID, index: Int
  ) throws -> ResolvedStagingRule {
    try validate(names: point.entries.map(\.name))
    return try resolve { TemplateText.render($0, point, job, index) }
  }

  private func resolve(_ value: (TemplateText.Piece) -> String) throws(QueueError) -> ResolvedStagingRule {
    var glob = ""
    for piece in TemplateText(pattern).pieces {
      if case .literal(let text) = piece { glob += text } else { glob += PathGlob.escape(value(piece)) }
    }
    let parsed = try PathGlob(glob)
    guard let destination else {
      return ResolvedStagingRule(glob: parsed, destination: nil, isIntoFolder: false, isLinked: isLinked)
    }
    var place = ""
    for piece in TemplateText(destination).pieces {
      if case .literal(let text) = piece { place += text } else { place += value(piece) }
    }
    let isIntoFolder = place.hasSuffix("/") || place == "."
    var path = RelativePath.root
    for part in place.utf8.split(separator: UInt8(ascii: "/")) where !part.elementsEqual(".".utf8) {
      guard RelativePath.isName(part) else {
        throw QueueError(
          .usage, "the destination \(JSONText.quote(place)) leads out of its folder",
          remedy: "Name a place below it, relative to it")
      }
      path = path.appending(part)
    }
    guard !place.hasPrefix("/"), !path.isRoot || isIntoFolder else {
      throw QueueError(
        .usage, "the destination \(JSONText.quote(place)) is not a relative path",
        remedy: "Name a place like results/{job}/, relative to the working directory")
    }
    guard isIntoFolder || parsed.isPlain else {
      throw QueueError(
        .usage, "the destination \(JSONText.quote(place)) is one name, and \(JSONText.quote(glob)) many",
        remedy: "End it with a slash, so that it names a folder")
    }
    return ResolvedStagingRule(
      glob: parsed, destination: path, isIntoFolder: isIntoFolder, isLinked: isLinked)
  }
}
