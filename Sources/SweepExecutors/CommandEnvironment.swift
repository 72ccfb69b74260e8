#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// Strings laid out for `execve(2)`: one block of bytes and the places in it.
struct CStringArray {
  private var bytes: [UInt8] = []
  private var offsets: [Int] = []

  init(_ strings: [String]) {
    offsets.reserveCapacity(strings.count)
    for string in strings { append(string) }
  }

  mutating func append(_ string: String) {
    offsets.append(bytes.count)
    bytes.append(contentsOf: string.utf8)
    bytes.append(0)
  }

  /// Calls `body` with a NULL-terminated array of pointers, those of `before` first; all valid during the call.
  mutating func withPointers<R>(
    before: [UnsafeMutablePointer<CChar>] = [],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    let offsets = offsets
    return bytes.withUnsafeMutableBytes { block in
      var pointers: [UnsafeMutablePointer<CChar>?] = []
      pointers.reserveCapacity(before.count + offsets.count + 1)
      for pointer in before { pointers.append(pointer) }
      if let base = block.bindMemory(to: CChar.self).baseAddress {
        for offset in offsets { pointers.append(base + offset) }
      }
      pointers.append(nil)
      return pointers.withUnsafeBufferPointer { body($0.baseAddress!) }
    }
  }
}

/// This process's environment, copied once, and what commands get over it.
final class CommandEnvironment {
  private var own: [(name: String, pointer: UnsafeMutablePointer<CChar>)] = []

  init() {
    var entry = environ
    while let text = entry.pointee {
      if let equals = strchr(text, Int32(UInt8(ascii: "="))), let copy = strdup(text) {
        let name = UnsafeRawBufferPointer(start: text, count: equals - text)
        own.append((String(decoding: name, as: UTF8.self), copy))
      }
      entry += 1
    }
  }

  deinit {
    for (_, pointer) in own { free(pointer) }
  }

  var names: [String] { own.map(\.name) }

  /// The value that a command would see; of two overrides of one name the last counts.
  func value(of name: String, overrides: [(name: String, value: String?)]) -> String? {
    if let last = overrides.last(where: { $0.name == name }) { return last.value }
    guard let entry = own.first(where: { $0.name == name }) else { return nil }
    return String(cString: entry.pointer + entry.name.utf8.count + 1)
  }

  func withPointers<R>(
    overrides: [(name: String, value: String?)],
    _ body: (UnsafePointer<UnsafeMutablePointer<CChar>?>) -> R
  ) -> R {
    var last: [String: Int] = [:]
    for (index, entry) in overrides.enumerated() { last[entry.name] = index }
    var kept: [UnsafeMutablePointer<CChar>] = []
    kept.reserveCapacity(own.count)
    for entry in own where last[entry.name] == nil { kept.append(entry.pointer) }
    var added = CStringArray([])
    for (index, entry) in overrides.enumerated() where last[entry.name] == index {
      if let value = entry.value { added.append("\(entry.name)=\(value)") }
    }
    return added.withPointers(before: kept, body)
  }
}
