import SweepModel

/// A bundle on its way to a host: in pieces, each a command of its own, so that what was cut goes on where it was, whoever
/// began it. It counts as there when all of it was verified there and has got its name.
package final class BundleUpload {
  package enum Outcome: Hashable, Sendable {
    case there
    /// With the reason. What has come of it stays.
    case failed(String)
  }

  /// Bytes of content that were sent, those that did not arrive as well.
  package private(set) var sent: Int64 = 0

  private enum Step {
    case ask
    case send(from: Int64, count: Int64)
    case finish
  }

  private let bundle: FileBundle
  private let host: SSHHost
  private let root: String
  private let queue: RemotePath
  private var step = Step.ask
  private var call: HostCall?
  private var result: Outcome?
  /// How much had come when a connection broke the last time.
  private var breach: Int64?
  /// The host has refused something once.
  private var isRepeated = false

  /// A whole number of blocks.
  static let pieceSize: Int64 = 16 << 20
  private static let blockSize: Int64 = 65_536

  /// - Parameters:
  ///   - root: the host's folder of ours, absolute there.
  ///   - queue: of all queues that use the host, the folder of this one.
  package init(_ bundle: FileBundle, to host: SSHHost, root: String, queue: RemotePath) {
    self.bundle = bundle
    self.host = host
    self.root = root
    self.queue = queue
    begin()
  }

  /// Has news to poll for (with `POLLIN`), at which ``outcome()`` must be asked.
  package var descriptor: Int32 { call?.descriptor ?? -1 }
  package var timeLeft: Int64 { call?.timeLeft ?? 0 }

  /// What it came to; nil until then. Goes on with it.
  package func outcome() -> Outcome? {
    while result == nil {
      guard let answer = call?.answer() else { return nil }
      take(answer)
    }
    return result
  }

  private func begin() {
    let work: String
    var input = HostCall.HostInput.none
    var timeout: Int64 = 30_000
    switch step {
    case .ask: work = "sweepq_bundle_state \(queue) \(bundle.id)"
    case .send(let start, let count):
      work = "sweepq_bundle_piece \(bundle.id) \(start / Self.blockSize) \(bundle.size)"
      input = .piece(bundle.file, from: start, count: count)
      timeout += count * 1000 / HostRound.slowest
    case .finish:
      work =
        "sweepq_bundle_finish \(queue) \(bundle.id) \(bundle.size) \(bundle.checksum) \(ParcelName.fresh())"
      timeout += bundle.size * 1000 / Self.slowestDisk
    }
    call = host.call(FileBundle.script(work, root: root), input: input, timeout: timeout)
  }

  /// Bytes a second that a host must read, verify and write of what it has.
  static let slowestDisk: Int64 = 2_000_000

  private func take(_ answer: HostAnswer) {
    guard let status = answer.status else {
      // Of what was asked nothing is known; of what was sent, a part has arrived.
      guard case .send = step, answer.ending.isBreach else { return end(.failed(answer.summary)) }
      step = .ask
      breach = breach ?? -1
      return begin()
    }
    guard status == 0 else {
      if case .ask = step { return end(.failed(answer.summary)) }
      if isRepeated { return end(.failed(answer.summary)) }
      // Another may have completed it meanwhile, or what had come was none of it and is gone.
      isRepeated = true
      step = .ask
      return begin()
    }
    switch step {
    case .ask:
      if answer.text == "there\n" { return end(.there) }
      guard let count = Self.part(answer.text) else {
        return end(.failed("the host does not say what it has: \(answer.text.prefix(80))"))
      }
      if let breach {
        // Connections that break before anything arrives are not worth another at once.
        guard count > breach else { return end(.failed("the connection breaks again and again")) }
        self.breach = count
      }
      proceed(from: min(count, bundle.size) / Self.blockSize * Self.blockSize, has: count)
    case .send(let start, let count):
      FaultPoint.reach(.bundlePieceSent)
      // Another may have sent more meanwhile.
      let there = max(start + count, Self.part(answer.text) ?? 0)
      proceed(from: min(there, bundle.size) / Self.blockSize * Self.blockSize, has: there)
    case .finish: end(.there)
    }
  }

  private static func part(_ text: String) -> Int64? {
    let words = text.split(whereSeparator: \.isWhitespace)
    return words.count == 2 && words[0] == "part" ? Int64(words[1]).flatMap { $0 < 0 ? nil : $0 } : nil
  }

  private func proceed(from start: Int64, has count: Int64) {
    if count >= bundle.size {
      step = .finish
    } else {
      step = .send(from: start, count: min(Self.pieceSize, bundle.size - start))
      if case .send(_, let count) = step { sent += count }
    }
    begin()
  }

  private func end(_ outcome: Outcome) {
    call = nil
    result = outcome
  }
}

extension HostAnswer.Ending {
  /// It broke when it had been made.
  fileprivate var isBreach: Bool { if case .cut = self { true } else { false } }
}
