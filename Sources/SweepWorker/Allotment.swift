import SweepModel

/// What of the worker's capacity is in use, and which GPUs.
struct Allotment {
  let total: Capacity.Amounts
  private(set) var free: Capacity.Amounts
  private(set) var freeDevices: [String]

  init(slots: Int, cpus: Int, memory: Int64, devices: [String]) {
    total = Capacity.Amounts(slots: slots, cpus: cpus, memory: memory, gpus: devices.count)
    free = total
    freeDevices = devices
  }

  var capacity: Capacity { Capacity(free: free, total: total) }

  /// - Returns: the GPUs assigned.
  mutating func take(_ resources: Resources) -> [String] {
    free.take(1, resources)
    let devices = Array(freeDevices.prefix(resources.gpus))
    freeDevices.removeFirst(devices.count)
    return devices
  }

  /// Books what an adopted attempt holds already; that may be more than is free.
  mutating func book(_ resources: Resources, devices: [String]) {
    free.take(1, resources)
    freeDevices.removeAll { devices.contains($0) }
  }

  mutating func giveBack(_ resources: Resources, devices: [String]) {
    free.take(-1, resources)
    freeDevices.append(contentsOf: devices)
  }
}
