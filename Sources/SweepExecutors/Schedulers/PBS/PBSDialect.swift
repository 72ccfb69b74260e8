import SweepModel

/// OpenPBS, PBS Professional and Torque.
///
/// What matters was seen on OpenPBS 23.06 and on its development line:
/// - `qstat -f -F json` with several ids prints only the first one there, and what it prints is at times not JSON.
///   So the long text is asked for; JSON is read where it comes nonetheless.
/// - An unknown id behind others in one `qdel` crashes the server: one id in each call.
/// - A finished member of an array may show the whole array's exit status, under the comment `Subjob finished`.
package struct PBSDialect: SchedulerDialect, Hashable {
  package var flavour: PBSFlavour
  /// The client's release, nil where it is not known.
  package var version: String?
  /// Whether the server lists finished jobs to those who ask with `-x`; nil where it is not known. It does not, unless
  /// somebody has switched it on.
  package var keepsHistory: Bool?
  /// Whose jobs ``queue()`` shows; nil for everybody's.
  package var user: String?

  package init(
    flavour: PBSFlavour = .openPBS, version: String? = nil, keepsHistory: Bool? = nil, user: String? = nil
  ) {
    self.flavour = flavour
    self.version = version
    self.keepsHistory = keepsHistory
    self.user = user
  }

  package var name: String { "pbs" }

  package var title: String {
    let product =
      switch flavour {
      case .torque: "Torque"
      case .openPBS: release?.isProfessional == true ? "PBS Professional" : "OpenPBS"
      }
    return version.map { "\(product) \($0)" } ?? product
  }

  var release: PBSVersion? { version.flatMap { PBSVersion($0) } }

  package var traits: SchedulerTraits {
    switch flavour {
    case .openPBS:
      // 230 characters since release 14; 15 before.
      SchedulerTraits(
        nameLimit: (release?.major ?? 0) >= 14 ? 230 : 15, smallestArray: 2, largestArray: 10_000,
        readsScriptFromInput: false, taskVariable: "PBS_ARRAY_INDEX", holdsTasks: false)
    case .torque:
      SchedulerTraits(
        nameLimit: 15, smallestArray: 1, largestArray: 1000, readsScriptFromInput: false,
        taskVariable: "PBS_ARRAYID")
    }
  }
}
