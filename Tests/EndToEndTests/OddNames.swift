@preconcurrency import Glibc
import Testing

/// Files with names that need care, each with its name as its content.
enum OddNames {
  static let all: [[UInt8]] =
    ["two words", "it's \"quoted\"", "new\nline", "-rf", "back\\slash", "*", "{n}"].map { Array($0.utf8) }
    + [[0xff, 0xfe]]

  /// Makes them in a folder that is there.
  static func make(in folder: String) throws {
    for name in all { try write(Array("\(folder)/".utf8) + name, name) }
  }

  /// Whether they are in a folder as they were made.
  static func areThere(in folder: String) -> Bool {
    all.allSatisfy { read(Array("\(folder)/".utf8) + $0) == $0 }
  }

  private static func write(_ path: [UInt8], _ bytes: [UInt8]) throws {
    let descriptor = named(path) { open($0, O_WRONLY | O_CREAT | O_CLOEXEC, 0o644) }
    try #require(descriptor >= 0)
    defer { close(descriptor) }
    #expect(Glibc.write(descriptor, bytes, bytes.count) == bytes.count)
  }

  private static func read(_ path: [UInt8]) -> [UInt8] {
    let descriptor = named(path) { open($0, O_RDONLY | O_CLOEXEC) }
    guard descriptor >= 0 else { return [] }
    defer { close(descriptor) }
    var buffer = [UInt8](repeating: 0, count: 4096)
    let count = Glibc.read(descriptor, &buffer, buffer.count)
    return Array(buffer.prefix(max(0, count)))
  }

  private static func named<T>(_ path: [UInt8], _ body: (UnsafePointer<CChar>) -> T) -> T {
    (path + [0]).map { CChar(bitPattern: $0) }.withUnsafeBufferPointer { body($0.baseAddress!) }
  }
}
