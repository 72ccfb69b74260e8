/// The checksum that `cksum` prints, taken piece by piece: a cyclic redundancy check of the bytes and their number.
struct PosixChecksum {
  private var register: UInt32 = 0
  private(set) var count: Int64 = 0

  /// Eight tables, so that eight bytes are taken at a time.
  private static let tables: [UInt32] = {
    var tables = [UInt32](repeating: 0, count: 8 * 256)
    for byte in 0..<256 {
      var value = UInt32(byte) << 24
      for _ in 0..<8 { value = value << 1 ^ (value & 0x8000_0000 != 0 ? 0x04c1_1db7 : 0) }
      tables[byte] = value
    }
    for table in 1..<8 {
      for byte in 0..<256 {
        let before = tables[(table - 1) * 256 + byte]
        tables[table * 256 + byte] = before << 8 ^ tables[Int(before >> 24)]
      }
    }
    return tables
  }()

  mutating func add(_ bytes: [UInt8]) {
    count += Int64(bytes.count)
    var register = register
    bytes.withUnsafeBufferPointer { bytes in
      Self.tables.withUnsafeBufferPointer { table in
        var place = 0
        while place + 8 <= bytes.count {
          let high =
            register
            ^ (UInt32(bytes[place]) << 24 | UInt32(bytes[place + 1]) << 16 | UInt32(bytes[place + 2]) << 8
              | UInt32(bytes[place + 3]))
          let first = table[7 * 256 + Int(high >> 24)] ^ table[6 * 256 + Int(high >> 16 & 255)]
          let second = table[5 * 256 + Int(high >> 8 & 255)] ^ table[4 * 256 + Int(high & 255)]
          let third = table[3 * 256 + Int(bytes[place + 4])] ^ table[2 * 256 + Int(bytes[place + 5])]
          let fourth = table[256 + Int(bytes[place + 6])] ^ table[Int(bytes[place + 7])]
          register = first ^ second ^ third ^ fourth
          place += 8
        }
        while place < bytes.count {
          register = register << 8 ^ table[Int(register >> 24 ^ UInt32(bytes[place]))]
          place += 1
        }
      }
    }
    self.register = register
  }

  /// The first of the two numbers that `cksum` prints.
  var value: UInt32 {
    var register = register
    var rest = UInt64(count)
    while rest != 0 {
      register = register << 8 ^ Self.tables[Int(register >> 24 ^ UInt32(rest & 255))]
      rest >>= 8
    }
    return ~register
  }
}
