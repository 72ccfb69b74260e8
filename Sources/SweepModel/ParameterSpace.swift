/// Every combination of the values of some axes: the jobs of a sweep, computed one by one.
///
/// The order is that of nested loops with the last axis innermost. Axes that are zipped advance together and take
/// the place of the first of them. Without axes there is one point, which has no parameters.
public struct ParameterSpace: RandomAccessCollection, Sendable {
  public let axes: [ParameterAxis]
  public let count: Int
  /// For each axis: how many points pass before it advances, and how many values it has.
  private let strides: [(stride: Int, count: Int)]
  /// For each axis its members in the JSON text of a point (`"lr":0.1`), where they are few enough to keep.
  private let members: [[String]?]

  /// - Parameter zips: The names of axes that advance together, group by group; their lengths must be equal.
  /// - Throws: ``QueueError`` with `usage`.
  public init(axes: [ParameterAxis], zips: [[String]] = []) throws {
    let group = try Self.groups(axes, zips)
    var strides = axes.map { (stride: 1, count: $0.values.count) }
    var total = 1
    for leader in axes.indices.reversed() where group[leader] == leader {
      for i in axes.indices where group[i] == leader { strides[i].stride = total }
      let (product, overflows) = total.multipliedReportingOverflow(by: axes[leader].values.count)
      guard !overflows, product <= ParameterAxis.pointLimit else {
        throw QueueError(
          .usage, "the parameters make more than \(ParameterAxis.pointLimit) combinations",
          remedy: "Take fewer values, or --zip parameters that belong together")
      }
      total = product
    }
    self.axes = axes
    self.strides = strides
    self.members = axes.map { axis in
      axis.values.count > 4096 ? nil : axis.values.map { Self.member(axis.name, $0) }
    }
    self.count = total
  }

  /// For each axis the index of the first axis that it advances with, itself if alone.
  private static func groups(_ axes: [ParameterAxis], _ zips: [[String]]) throws -> [Int] {
    var indices: [String: Int] = [:]
    for (i, axis) in axes.enumerated() {
      guard indices.updateValue(i, forKey: axis.name) == nil else {
        throw QueueError(
          .usage, "the parameter '\(axis.name)' is given twice",
          remedy: "Write all its values in one list: \(axis.name)=a,b,c")
      }
    }
    var group = Array(axes.indices)
    var zipped: Set<String> = []
    for names in zips {
      let title = names.joined(separator: ",")
      guard names.count > 1 else {
        throw QueueError(.usage, "--zip \(title) names fewer than two parameters", remedy: "Write --zip a,b")
      }
      var members: [Int] = []
      for name in names {
        guard let index = indices[name] else {
          throw QueueError(
            .usage, "--zip \(title) names '\(name)', which is not a parameter",
            remedy: "The parameters are: \(axes.map(\.name).joined(separator: ", "))")
        }
        guard zipped.insert(name).inserted else {
          throw QueueError(
            .usage, "--zip names '\(name)' twice", remedy: "Write all that belongs to it in one --zip a,b,c")
        }
        members.append(index)
      }
      guard Set(members.map { axes[$0].values.count }).count == 1 else {
        let lengths = members.map { "\(axes[$0].name) has \(axes[$0].values.count)" }.joined(separator: ", ")
        throw QueueError(
          .usage, "--zip \(title) needs parameters with equally many values: \(lengths)",
          remedy: "Give each of them the same number of values")
      }
      let leader = members.min() ?? 0
      for member in members { group[member] = leader }
    }
    return group
  }

  /// The names of the parameters in the order in which they were given.
  public var names: [String] { axes.map(\.name) }

  public var startIndex: Int { 0 }
  public var endIndex: Int { count }
  public subscript(index: Int) -> Point { point(at: index) }

  /// The point with the number `index`, from 0.
  public func point(at index: Int) -> Point {
    precondition(index >= 0 && index < count, "a point outside of its parameter space")
    var entries: [(name: String, value: ParameterValue)] = []
    entries.reserveCapacity(axes.count)
    for (axis, place) in zip(axes, strides) {
      entries.append((axis.name, axis.values[index / place.stride % place.count]))
    }
    return Point(entries)
  }

  /// The JSON text of the point with the number `index`: what `point(at: index).json` is, but several times faster.
  public func json(at index: Int) -> String {
    precondition(index >= 0 && index < count, "a point outside of its parameter space")
    var text = "{"
    text.reserveCapacity(16 + 24 * axes.count)
    for i in axes.indices {
      if i > 0 { text += "," }
      let place = index / strides[i].stride % strides[i].count
      text += members[i]?[place] ?? Self.member(axes[i].name, axes[i].values[place])
    }
    text += "}"
    return text
  }

  private static func member(_ name: String, _ value: ParameterValue) -> String {
    "\(JSONText.quote(name)):\(value.json)"
  }
}
