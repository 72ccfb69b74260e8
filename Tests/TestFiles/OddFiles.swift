@preconcurrency import Glibc

/// Files with every kind of name that a filesystem allows, and of every kind that jobs have.
public enum OddFiles {
  public static let names: [[UInt8]] =
    [
      "plain", "two words", " leading and trailing ", " ", "it's", "a \"quote\"", "new\nline", "\nfirst",
      "last\n", "-rf", "--help", "--", "-", "back\\slash", "back\\nslash", "return\r", "tab\t", "star*", "*",
      "q?", "[a]", "$HOME", "`id`", "semi;colon", "%0A", "ä", "日本", "~", "x~", "#", "!", "a=b", "{n}",
      ".hidden", "...", "\u{7f}",
    ].map { Array($0.utf8) } + [[0xff, 0xfe], [0x61, 0xe4, 0x62], [0xe2, 0x82]] + [
      Array(repeating: UInt8(ascii: "n"), count: 255)
    ]

  /// Each name as a file, as a folder with a file in it, and as a link to the file; every third file is executable. The
  /// folder is there.
  ///
  /// - Returns: how many files, folders and links that makes.
  @discardableResult public static func make(in folder: String) throws -> Int {
    try makeFolder(Array("\(folder)/files".utf8))
    try makeFolder(Array("\(folder)/links".utf8))
    for (place, name) in names.enumerated() {
      let file = Array("\(folder)/files/".utf8) + name
      try write(file, Array("content of \(place)\n".utf8), mode: place % 3 == 0 ? 0o755 : 0o640)
      let inner = Array("\(folder)/in ".utf8) + name.prefix(250)
      try makeFolder(inner)
      try write(inner + Array("/".utf8) + name, name, mode: 0o600)
      try link(Array("../files/".utf8) + name, at: Array("\(folder)/links/".utf8) + name)
    }
    return 2 + names.count * 4
  }

  /// Makes a folder with these, and with an empty folder, an empty file, one deep below and one whose path is long.
  ///
  /// - Parameter hasOutsideLinks: with links that lead out of the folder and to nowhere.
  /// - Returns: how many files and links that makes.
  @discardableResult public static func makeTree(in folder: String, hasOutsideLinks: Bool = true) throws
    -> Int
  {
    try makeFolder(Array(folder.utf8))
    try make(in: folder)
    try makeFolder(Array("\(folder)/empty folder".utf8), mode: 0o750)
    try write(Array("\(folder)/empty".utf8), [], mode: 0o644)
    var deep = "\(folder)/deep"
    for _ in 0..<30 {
      try makeFolder(Array(deep.utf8), mode: 0o700)
      deep += "/er"
    }
    try write(Array(deep.utf8), [1], mode: 0o600)
    let long = "\(folder)/" + String(repeating: "l", count: 200)
    try makeFolder(Array(long.utf8))
    try write(Array("\(long)/\(String(repeating: "n", count: 200))".utf8), [2], mode: 0o644)
    var count = names.count * 3 + 3
    if hasOutsideLinks {
      for (target, name) in [("/etc/passwd", "outside"), ("../../..", "above"), ("nowhere", "dangling")] {
        try link(Array(target.utf8), at: Array("\(folder)/\(name)".utf8))
        count += 1
      }
    }
    return count
  }

  /// Names, kinds, permissions, sizes, contents and targets of all that is below a folder, a line each; equal for two folders
  /// that hold the same.
  public static func picture(of folder: String) -> String {
    var lines: [String] = []
    draw(Array(folder.utf8), [], &lines)
    return lines.sorted().joined(separator: "\n")
  }

  private static func draw(_ base: [UInt8], _ path: [UInt8], _ lines: inout [String]) {
    guard let stream = named(base + path, { opendir($0) }) else {
      lines.append("cannot be listed: \(text(path))")
      return
    }
    defer { closedir(stream) }
    while let item = readdir(stream) {
      let name = withUnsafeBytes(of: &item.pointee.d_name) { Array($0.prefix { $0 != 0 }) }
      if name == [46] || name == [46, 46] { continue }
      let inner = path + [47] + name
      var status = stat()
      guard named(base + inner, { lstat($0, &status) }) == 0 else { continue }
      let mode = String(status.st_mode & 0o7777, radix: 8)
      switch status.st_mode & S_IFMT {
      case S_IFDIR:
        lines.append("\(text(inner)) folder \(mode)")
        draw(base, inner, &lines)
      case S_IFREG:
        lines.append("\(text(inner)) file \(mode) \(status.st_size) \(digest(base + inner))")
      case S_IFLNK:
        var target = [CChar](repeating: 0, count: 4096)
        let count = named(base + inner) { readlink($0, &target, target.count) }
        lines.append(
          "\(text(inner)) link \(text(target.prefix(max(0, count)).map { UInt8(bitPattern: $0) }))")
      default: lines.append("\(text(inner)) other \(mode)")
      }
    }
  }

  /// 64 bits of FNV-1a over the content, by eight bytes: it is for accidents.
  private static func digest(_ path: [UInt8]) -> String {
    let descriptor = named(path) { open($0, O_RDONLY | O_NOFOLLOW | O_CLOEXEC) }
    guard descriptor >= 0 else { return "unreadable" }
    defer { close(descriptor) }
    var sum: UInt64 = 0xcbf2_9ce4_8422_2325
    var words = [UInt64](repeating: 0, count: 1 << 15)
    while true {
      for place in words.indices { words[place] = 0 }
      var count = 0
      words.withUnsafeMutableBytes { bytes in
        guard let start = bytes.baseAddress else { return }
        while count < bytes.count {
          let more = read(descriptor, start + count, bytes.count - count)
          if more <= 0 { break }
          count += more
        }
      }
      if count == 0 { return String(sum, radix: 16) }
      for word in words[..<((count + 7) / 8)] { sum = (sum ^ word) &* 0x100_0000_01b3 }
    }
  }

  private static func text(_ bytes: [UInt8]) -> String {
    bytes.map {
      $0 > 0x20 && $0 < 0x7f && $0 != 0x25 ? String(Unicode.Scalar($0)) : "%" + String($0, radix: 16)
    }
    .joined()
  }

  private static func named<T>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> T) -> T {
    (path + [0]).map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { body($0.baseAddress!) }
  }

  private static func makeFolder(_ path: [UInt8], mode: mode_t = 0o755) throws {
    guard named(path, { mkdir($0, mode) }) == 0, named(path, { chmod($0, mode) }) == 0 else {
      throw OddFilesFailure("no folder \(text(path)): \(String(cString: strerror(errno)))")
    }
  }

  private static func write(_ path: [UInt8], _ bytes: [UInt8], mode: mode_t) throws {
    let descriptor = named(path) { open($0, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0o600) }
    guard descriptor >= 0 else {
      throw OddFilesFailure("no file \(text(path)): \(String(cString: strerror(errno)))")
    }
    defer { close(descriptor) }
    guard Glibc.write(descriptor, bytes, bytes.count) == bytes.count, fchmod(descriptor, mode) == 0 else {
      throw OddFilesFailure("not written: \(text(path))")
    }
  }

  private static func link(_ target: [UInt8], at path: [UInt8]) throws {
    let made = named(target) { target in named(path) { symlink(target, $0) } }
    guard made == 0 else { throw OddFilesFailure("no link \(text(path))") }
  }
}

public struct OddFilesFailure: Error, CustomStringConvertible {
  public let description: String
  init(_ text: String) { description = text }
}
