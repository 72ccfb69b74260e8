import SweepExecutors
import SweepModel

/// The other host on which an executor's attempts have their folders, and what is to be done there next.
struct RemoteRuns {
  /// What is to be done at a gate the next time it is looked at.
  enum Wish {
    /// Take it, and where that succeeds, settle so.
    case forbid(ClusterVerdict.Ending)
    case fence(RemoteGate.Fence)

    var act: GateSurvey.Act {
      switch self {
      case .forbid: .forbid
      case .fence(let fence): .fence(fence)
      }
    }
  }

  let host: SSHHost
  let root: RunPlaces.RemoteRoot

  private(set) var wishes: [AttemptID: Wish] = [:]
  /// Ended, and settled so as soon as their files are here.
  var fetches: [AttemptID: ClusterVerdict.Ending] = [:]
  /// Those whose files were asked for without waiting for the next look.
  var hurried: Set<AttemptID> = []
  /// Bytes in the folders of those that have ended.
  var sizes: [AttemptID: Int64] = [:]
  /// What has come of large ones until a connection broke.
  var progress: [AttemptID: HostFetch.Progress] = [:]
  /// Ids of bundles that were there when they were last used.
  var bundles: Set<String> = []
  /// Folders there that nobody needs any more.
  private(set) var removals: [RemotePath] = []
  /// How many of these there were when they were last not left to the next look.
  var hurriedRemovals = 0
  private var doomed: [AttemptID: [RemotePath]] = [:]
  /// Earlier workers may have left there what they had settled.
  var mayHaveLeftovers = true

  init(host: SSHHost, root: RunPlaces.RemoteRoot) {
    self.host = host
    self.root = root
  }

  /// Bytes of outputs that come with one round, as far as their sizes are known.
  static let roundLimit: Int64 = 32 << 20

  /// Bytes of a folder that is brought in a command of its own.
  private static let largeSize: Int64 = 16 << 20

  /// Its folder is brought in a command of its own.
  func isLarge(_ attempt: AttemptID) -> Bool { (sizes[attempt] ?? 0) > Self.largeSize }

  /// Something is to be done there before the worker may end.
  var isBusy: Bool { !wishes.isEmpty || !fetches.isEmpty || !removals.isEmpty || mayHaveLeftovers }

  mutating func wish(_ wish: Wish, of attempt: AttemptID) {
    // A gate that is to be ours needs no fence, and what was given up is not to be cancelled any more.
    if case .fence(.cancelled) = wish, wishes[attempt] != nil { return }
    wishes[attempt] = wish
  }

  mutating func grant(_ attempt: AttemptID) { wishes[attempt] = nil }

  /// It is being settled.
  mutating func forget(_ attempt: AttemptID) {
    wishes[attempt] = nil
    fetches[attempt] = nil
    sizes[attempt] = nil
    progress[attempt] = nil
  }

  /// Its folder there is not needed any more once its end is a row.
  mutating func removeWhenSettled(_ one: ClusterAttempt) {
    let own = one.input.bundles.filter { !$0.isCommon }
    doomed[one.attempt] =
      [root.path(of: one)] + own.compactMap { try? RemotePath.bundle($0.id, below: root.queue) }
    bundles.subtract(own.map(\.id))
  }

  /// Its end is a row, or, if it is stale, another worker's affair.
  mutating func settled(_ attempt: AttemptID, isStale: Bool) {
    guard let folders = doomed.removeValue(forKey: attempt), !isStale else { return }
    removals += folders
  }

  mutating func remove(_ submission: LiveSubmission) {
    if let path = try? root.path(of: submission) { removals.append(path) }
  }

  /// - Parameter paths: of what nobody needs any more, and is there.
  mutating func remove(_ paths: [RemotePath]) {
    let known = Set(removals + doomed.values.joined())
    removals += paths.filter { !known.contains($0) }
  }

  mutating func removed(_ paths: [RemotePath]) {
    let gone = Set(paths)
    removals.removeAll { gone.contains($0) }
  }
}
