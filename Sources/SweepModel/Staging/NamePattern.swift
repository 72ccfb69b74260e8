/// A file name with `*`, `?` and `[...]`, as shells have them.
///
/// `?` and `[...]` stand for one character of UTF-8, or for one byte where the name is no UTF-8. A dot at a name's
/// beginning is only matched by a dot. `\` takes the next character as it is.
package struct NamePattern: Hashable, Sendable {
  enum Unit: Hashable, Sendable {
    case literal(UInt32)
    case anyOne
    case anyRun
    case oneOf([ClosedRange<UInt32>], isNegated: Bool)

    func matches(_ character: UInt32) -> Bool {
      switch self {
      case .literal(let own): own == character
      case .anyOne, .anyRun: true
      case .oneOf(let ranges, let isNegated): ranges.contains { $0.contains(character) } != isNegated
      }
    }
  }

  let units: [Unit]

  /// - Parameter text: one component of a path.
  init(_ text: some Sequence<UInt8>) {
    let characters = Self.characters(of: text)
    var units: [Unit] = []
    var place = 0
    while place < characters.count {
      let character = characters[place]
      place += 1
      switch character {
      case UInt32(UInt8(ascii: "*")):
        if units.last != .anyRun { units.append(.anyRun) }
      case UInt32(UInt8(ascii: "?")): units.append(.anyOne)
      case UInt32(UInt8(ascii: "\\")) where place < characters.count:
        units.append(.literal(characters[place]))
        place += 1
      case UInt32(UInt8(ascii: "[")):
        // One that is never closed stands for itself.
        units.append(Self.set(characters, &place) ?? .literal(character))
      default: units.append(.literal(character))
      }
    }
    self.units = units
  }

  /// The only name it matches, where it has nothing that stands for others.
  var onlyName: [UInt8]? {
    var name: [UInt8] = []
    for unit in units {
      guard case .literal(let character) = unit else { return nil }
      if let scalar = Unicode.Scalar(character) {
        name += Array(String(Character(scalar)).utf8)
      } else {
        name.append(UInt8(truncatingIfNeeded: character))
      }
    }
    return name
  }

  package func matches(_ name: some Sequence<UInt8>) -> Bool {
    let name = Self.characters(of: name)
    if name.first == UInt32(UInt8(ascii: ".")), units.first != .literal(UInt32(UInt8(ascii: "."))) {
      return false
    }
    var (unit, place) = (0, 0)
    // Where to go on when what follows the last `*` does not fit: let that one have a character more.
    var resume: (unit: Int, place: Int)?
    while true {
      if unit < units.count, units[unit] == .anyRun {
        unit += 1
        resume = (unit, place)
      } else if unit < units.count, place < name.count, units[unit].matches(name[place]) {
        unit += 1
        place += 1
      } else if unit == units.count, place == name.count {
        return true
      } else if let last = resume, last.place < name.count {
        resume = (last.unit, last.place + 1)
        (unit, place) = (last.unit, last.place + 1)
      } else {
        return false
      }
    }
  }

  /// A byte that belongs to no character of UTF-8 is a character of its own, above all others.
  private static func characters(of bytes: some Sequence<UInt8>) -> [UInt32] {
    let bytes = Array(bytes)
    var characters: [UInt32] = []
    characters.reserveCapacity(bytes.count)
    var place = 0
    while place < bytes.count {
      let first = bytes[place]
      let length = first < 0x80 ? 1 : first >= 0xf0 ? 4 : first >= 0xe0 ? 3 : 2
      let end = min(place + length, bytes.count)
      if length == 1 {
        characters.append(UInt32(first))
        place += 1
      } else if let text = String(validating: bytes[place..<end], as: UTF8.self),
        let scalar = text.unicodeScalars.first, text.unicodeScalars.count == 1
      {
        characters.append(scalar.value)
        place = end
      } else {
        characters.append(0x11_0000 + UInt32(first))
        place += 1
      }
    }
    return characters
  }

  /// What stands between brackets; `place` is behind the opening one, and then behind the closing one.
  private static func set(_ characters: [UInt32], _ place: inout Int) -> Unit? {
    var at = place
    var isNegated = false
    if at < characters.count, [UInt32(UInt8(ascii: "!")), UInt32(UInt8(ascii: "^"))].contains(characters[at])
    {
      isNegated = true
      at += 1
    }
    var ranges: [ClosedRange<UInt32>] = []
    let start = at
    func character(_ offset: Int) -> UInt32? {
      at + offset < characters.count ? characters[at + offset] : nil
    }
    while let first = character(0) {
      // A closing bracket that comes first belongs to the set.
      if first == UInt32(UInt8(ascii: "]")), at > start {
        place = at + 1
        return .oneOf(ranges, isNegated: isNegated)
      }
      if first == UInt32(UInt8(ascii: "[")), character(1) == UInt32(UInt8(ascii: ":")),
        let (members, length) = namedClass(characters[(at + 2)...])
      {
        ranges += members
        at += 2 + length
        continue
      }
      var low = first
      at += 1
      if low == UInt32(UInt8(ascii: "\\")), let escaped = character(0) {
        low = escaped
        at += 1
      }
      if character(0) == UInt32(UInt8(ascii: "-")), let high = character(1),
        high != UInt32(UInt8(ascii: "]"))
      {
        if low <= high { ranges.append(low...high) }
        at += 2
      } else {
        ranges.append(low...low)
      }
    }
    return nil
  }

  /// `digit:]` and the like.
  private static func namedClass(_ rest: ArraySlice<UInt32>) -> ([ClosedRange<UInt32>], length: Int)? {
    func range(_ low: Unicode.Scalar, _ high: Unicode.Scalar) -> ClosedRange<UInt32> {
      low.value...high.value
    }
    let classes: KeyValuePairs<String, [ClosedRange<UInt32>]> = [
      "digit": [range("0", "9")], "lower": [range("a", "z")], "upper": [range("A", "Z")],
      "alpha": [range("a", "z"), range("A", "Z")],
      "alnum": [range("a", "z"), range("A", "Z"), range("0", "9")],
      "xdigit": [range("a", "f"), range("A", "F"), range("0", "9")],
      "space": [9...13, 32...32], "blank": [9...9, 32...32],
      "punct": [33...47, 58...64, 91...96, 123...126],
    ]
    for (name, ranges) in classes {
      let text = "\(name):]".unicodeScalars.map(\.value)
      if rest.starts(with: text) { return (ranges, text.count) }
    }
    return nil
  }
}
