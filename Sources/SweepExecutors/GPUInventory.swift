import FoundationEssentials
import SweepModel

/// One graphics processor that jobs can be given.
public struct GPU: Hashable, Sendable, Codable {
  public enum Vendor: String, Sendable, Codable, Hashable { case nvidia, amd }
  public var vendor: Vendor
  /// What its vendor's environment variable calls it: a number in the order of the bus, or the identifier that the
  /// worker's own variable used.
  public var identifier: String
  /// The vendor's permanent name for it; empty where none is told.
  public var uuid: String
  public var name: String
  /// Bytes; nil where not told.
  public var memory: Int64?

  public init(vendor: Vendor, identifier: String, uuid: String, name: String, memory: Int64?) {
    self.vendor = vendor
    self.identifier = identifier
    self.uuid = uuid
    self.name = name
    self.memory = memory
  }
}

/// Finds this host's GPUs with the vendors' own tools, and says to a command which of them are its own.
public enum GPUInventory {
  /// Milliseconds: a driver that hangs must not hang the worker.
  static let timeout: Int64 = 10_000

  /// The GPUs this process may use, none where there are no tools. A `CUDA_VISIBLE_DEVICES` (or
  /// `ROCR_VISIBLE_DEVICES`, `HIP_VISIBLE_DEVICES`) that is already set restricts them, as under a scheduler.
  public static func discover() -> [GPU] { discover(overrides: []) }

  /// - Parameter overrides: set over this process's environment, the tools' `PATH` included.
  static func discover(
    overrides: [(name: String, value: String?)], timeout: Int64 = GPUInventory.timeout
  ) -> [GPU] {
    let environment = CommandEnvironment()
    func variable(_ name: String) -> String? { environment.value(of: name, overrides: overrides) }
    let nvidia = ToolOutput.of(
      "nvidia-smi", ["--query-gpu=index,uuid,name,memory.total", "--format=csv,noheader,nounits"],
      overrides: overrides, timeout: timeout)
    if let nvidia {
      let found = parseNVIDIA(nvidia)
      if !found.isEmpty { return restrict(found, to: variable("CUDA_VISIBLE_DEVICES")) }
    }
    let amd = ToolOutput.of(
      "rocm-smi", ["--showid", "--showuniqueid", "--showproductname", "--showmeminfo", "vram", "--json"],
      overrides: overrides, timeout: timeout)
    guard let amd else { return [] }
    let visible = variable("ROCR_VISIBLE_DEVICES") ?? variable("HIP_VISIBLE_DEVICES")
    return restrict(parseROCm(amd), to: visible)
  }

  /// What a command that was given these GPUs, all of one vendor, must have in its environment; nothing for none.
  public static func environment(for gpus: [GPU]) -> [(name: String, value: String?)] {
    guard let first = gpus.first else { return [] }
    let list = gpus.map(\.identifier).joined(separator: ",")
    switch first.vendor {
    case .nvidia:
      // Without the order CUDA numbers by speed, nvidia-smi by place on the bus.
      return [("CUDA_DEVICE_ORDER", "PCI_BUS_ID"), ("CUDA_VISIBLE_DEVICES", list)]
    case .amd:
      // HIP counts among what ROCr leaves visible.
      let among = (0..<gpus.count).map(String.init).joined(separator: ",")
      return [("ROCR_VISIBLE_DEVICES", list), ("HIP_VISIBLE_DEVICES", among)]
    }
  }

  /// Lines of `0, GPU-8f…, NVIDIA A100, 40960`, the memory in MiB.
  static func parseNVIDIA(_ text: String) -> [GPU] {
    text.split(whereSeparator: \.isNewline).compactMap { line in
      let fields = line.split(separator: ",", omittingEmptySubsequences: false).map(trimmed)
      guard fields.count >= 4, Int(fields[0]) != nil else { return nil }
      return GPU(
        vendor: .nvidia, identifier: fields[0], uuid: fields[1],
        name: fields[2..<(fields.count - 1)].joined(separator: ", "),
        memory: fields.last.flatMap { Int64($0) }.map { $0 << 20 })
    }
  }

  /// `{"card0": {"Card series": …, "VRAM Total Memory (B)": …}, …}`.
  static func parseROCm(_ text: String) -> [GPU] {
    guard let cards = try? JSONDecoder().decode([String: [String: String]].self, from: Data(text.utf8)) else {
      return []
    }
    let numbered = cards.compactMap { name, fields -> (Int, [String: String])? in
      guard name.hasPrefix("card"), let number = Int(name.dropFirst(4)) else { return nil }
      return (number, fields)
    }
    return numbered.sorted { $0.0 < $1.0 }.map { number, fields in
      GPU(
        vendor: .amd, identifier: String(number), uuid: fields["Unique ID"] ?? "",
        name: fields["Card series"] ?? fields["Card Series"] ?? fields["Device Name"] ?? "AMD GPU",
        memory: fields["VRAM Total Memory (B)"].flatMap { Int64($0) })
    }
  }

  /// What a visibility variable leaves of the GPUs, in its order. As CUDA does it: numbers, or the beginnings of
  /// permanent names; the first entry that names nothing ends the list.
  static func restrict(_ gpus: [GPU], to visible: String?) -> [GPU] {
    guard let visible else { return gpus }
    var left: [GPU] = []
    for entry in visible.split(separator: ",", omittingEmptySubsequences: false).map(trimmed) {
      if var gpu = gpus.first(where: { $0.identifier == entry }) {
        gpu.identifier = entry
        left.append(gpu)
      } else if entry.utf8.count > 4, var gpu = gpus.first(where: { $0.uuid.hasPrefix(entry) }) {
        gpu.identifier = entry
        left.append(gpu)
      } else if entry.hasPrefix("MIG-") {
        // A slice of a GPU, which the list of whole ones does not show.
        left.append(GPU(vendor: .nvidia, identifier: entry, uuid: entry, name: "MIG", memory: nil))
      } else {
        break
      }
    }
    return left
  }

  private static func trimmed(_ text: Substring) -> String {
    String(text.drop { $0 == " " }.reversed().drop { $0 == " " || $0 == "\r" }.reversed())
  }
}
