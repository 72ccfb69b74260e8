import SweepModel

/// What of the worker's capacity is in use, and which GPUs.
struct Allotment {
  let total: Capacity.Amounts
  private(set) var free: Capacity.Amounts
  /// The GPUs that are the worker's to hand out.
  private let devices: [String]
  /// By how many attempts each GPU is held; adopted ones may hold one together, or one that is not the worker's.
  private var holders: [String: Int] = [:]

  init(slots: Int, cpus: Int, memory: Int64, devices: [String]) {
    total = Capacity.Amounts(slots: slots, cpus: cpus, memory: memory, gpus: devices.count, nodes: 1)
    free = total
    self.devices = devices
  }

  var capacity: Capacity { Capacity(free: free, total: total) }
  var freeDevices: [String] { devices.filter { holders[$0] == nil } }

  /// - Returns: the GPUs assigned.
  mutating func take(_ resources: Resources) -> [String] {
    let assigned = Array(freeDevices.prefix(resources.gpus))
    hold(resources, assigned)
    return assigned
  }

  /// Books what an adopted attempt holds already; that may be more than is free.
  ///
  /// - Parameter known: the GPUs it is known to hold. Where some are not known, it could be any of the worker's.
  /// - Returns: the GPUs booked, to be given back when it has ended.
  mutating func book(_ resources: Resources, devices known: [String]) -> [String] {
    let booked = known.count >= resources.gpus ? known : known + devices.filter { !known.contains($0) }
    hold(resources, booked)
    return booked
  }

  mutating func giveBack(_ resources: Resources, devices booked: [String]) {
    free.take(-1, resources)
    for device in booked {
      let left = (holders[device] ?? 0) - 1
      holders[device] = left > 0 ? left : nil
    }
    free.gpus = freeDevices.count
  }

  private mutating func hold(_ resources: Resources, _ booked: [String]) {
    free.take(1, resources)
    for device in booked { holders[device, default: 0] += 1 }
    free.gpus = freeDevices.count
  }
}
