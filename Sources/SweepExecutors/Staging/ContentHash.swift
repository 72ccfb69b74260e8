import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// What a file's content comes to, as a program on any host can say.
package enum ContentHash: Hashable, Sendable, CustomStringConvertible {
  /// 32 bytes: `sha256sum`, or `shasum -a 256`.
  case sha256([UInt8])
  /// The checksum and the length of POSIX `cksum`, for a host that has nothing better: it sees accidents, not intent.
  case cksum(UInt32, Int64)

  package enum Kind: String, Sendable, CaseIterable { case sha256, cksum }

  package var kind: Kind {
    switch self {
    case .sha256: .sha256
    case .cksum: .cksum
    }
  }

  /// As the host's program prints it, without the name.
  package var description: String {
    switch self {
    case .sha256(let digest): Hexadecimal.text(digest)
    case .cksum(let sum, let length): "\(sum) \(length)"
    }
  }

  /// Reads ``description``.
  init?(_ text: String, kind: Kind) {
    switch kind {
    case .sha256:
      guard let digest = Hexadecimal.bytes(text.utf8), digest.count == 32 else { return nil }
      self = .sha256(digest)
    case .cksum:
      let parts = text.split(separator: " ")
      guard parts.count == 2, let sum = UInt32(parts[0]), let length = Int64(parts[1]) else { return nil }
      self = .cksum(sum, length)
    }
  }

  /// Of an open file, from its present place to its end.
  ///
  /// - Returns: nil with errno set where it cannot be read.
  static func read(_ descriptor: Int32, kind: Kind) -> ContentHash? {
    var sha256 = SHA256()
    var cksum = POSIXChecksum()
    var length: Int64 = 0
    var buffer = [UInt8](repeating: 0, count: 1 << 17)
    while true {
      let count = buffer.withUnsafeMutableBytes { bytes in
        let count = uninterrupted { Glibc.read(descriptor, bytes.baseAddress, bytes.count) }
        if count > 0 {
          let piece = UnsafeRawBufferPointer(rebasing: bytes[..<count])
          switch kind {
          case .sha256: sha256.update(piece)
          case .cksum: cksum.update(piece)
          }
        }
        return count
      }
      if count < 0 { return nil }
      if count == 0 { break }
      length += Int64(count)
    }
    switch kind {
    case .sha256: return .sha256(sha256.finish())
    case .cksum: return .cksum(cksum.finish(length: length), length)
    }
  }
}

/// The cyclic redundancy check of POSIX `cksum`: polynomial 0x04C11DB7, most significant bit first, the length behind
/// the content, complemented.
private struct POSIXChecksum {
  private var sum: UInt32 = 0

  private static let table: [UInt32] = (0..<256).map { index in
    (0..<8).reduce(UInt32(index) << 24) { value, _ in
      value & 0x8000_0000 != 0 ? (value << 1) ^ 0x04c1_1db7 : value << 1
    }
  }

  mutating func update(_ bytes: UnsafeRawBufferPointer) {
    Self.table.withUnsafeBufferPointer { table in
      for byte in bytes { sum = (sum &<< 8) ^ table[Int((sum &>> 24) ^ UInt32(byte))] }
    }
  }

  mutating func finish(length: Int64) -> UInt32 {
    var rest = length
    while rest > 0 {
      withUnsafeBytes(of: UInt8(truncatingIfNeeded: rest)) { update($0) }
      rest >>= 8
    }
    return ~sum
  }
}

/// Bytes as pairs of digits.
enum Hexadecimal {
  static func text(_ bytes: some Sequence<UInt8>) -> String {
    let digits = Array("0123456789abcdef".utf8)
    return String(
      decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }

  static func bytes(_ text: some Sequence<UInt8>) -> [UInt8]? {
    var bytes: [UInt8] = []
    var high: UInt8?
    for digit in text {
      let value: UInt8
      switch digit {
      case UInt8(ascii: "0")...UInt8(ascii: "9"): value = digit - UInt8(ascii: "0")
      case UInt8(ascii: "a")...UInt8(ascii: "f"): value = digit - UInt8(ascii: "a") + 10
      case UInt8(ascii: "A")...UInt8(ascii: "F"): value = digit - UInt8(ascii: "A") + 10
      default: return nil
      }
      if let first = high {
        bytes.append(first << 4 | value)
        high = nil
      } else {
        high = value
      }
    }
    return high == nil ? bytes : nil
  }
}
