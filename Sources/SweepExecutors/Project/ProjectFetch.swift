import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

extension ProjectSync {
  /// Where what was replaced or removed here is kept, each time in a folder of its own.
  package var replacedFolder: String { "\(state)/replaced" }

  /// Brings here what was changed there. What that replaces is kept.
  func bring(_ comparison: ProjectComparison, _ remote: ProjectHost, _ check: () throws -> Void) throws {
    let draft = "\(state)/\(AttemptFolder.unfinishedPrefix)fetched-\(ParcelName.fresh())"
    defer { try? TreeRemoval.remove(draft) }
    let fetched = try remote.fetch(comparison.fetched, into: draft, spool: state, meanwhile: check)
    let none = try ProjectExclusions([])
    let found = try ProjectScan(
      fetched, leavingOut: none, avoiding: nil, kind: comparison.agreed.kind, meanwhile: check)
    for path in comparison.fetched {
      guard let entry = found.manifest[path], let wanted = comparison.agreed[path], entry.isSame(as: wanted)
      else {
        throw QueueError(
          .badData, "\(path) could not be brought from \(name) as it was seen there",
          remedy: "Try again; pipes, sockets and devices are to be removed there")
      }
    }
    try keep(comparison.fetched + comparison.discarded, check)
    let items = comparison.fetched.sorted().compactMap { path in
      found.manifest[path].map { entry in
        var entry = entry
        // On its way a folder was ours alone.
        if entry.kind == .folder { entry.mode = 0o755 }
        return StagingList.Item(source: path, destination: path, entry: entry, isLinked: false)
      }
    }
    let copy = FileCopy(from: fetched, to: folder, tag: "fetched", isDurable: true, avoiding: queueFolder)
    _ = try copy.run(StagingList(items))
    let trail = FolderTrail(try FolderHandle.open(folder))
    for path in comparison.discarded {
      let parent = try trail.folder(path.parent)
      if let status = try parent.status(path.name), status.st_mode & S_IFMT == S_IFDIR {
        // One with something new in it stays.
        _ = FolderHandle.named(path.name) { unlinkat(parent.descriptor, $0, AT_REMOVEDIR) }
      } else {
        try parent.unlink(path.name)
      }
    }
  }

  private func keep(_ paths: [RelativePath], _ check: () throws -> Void) throws {
    let trail = FolderTrail(try FolderHandle.open(folder))
    var items: [StagingList.Item] = []
    for path in paths.sorted() {
      guard let parent = try? trail.folder(path.parent), let status = try parent.status(path.name) else {
        continue
      }
      let kind: FileManifest.Kind
      switch status.st_mode & S_IFMT {
      case S_IFREG: kind = .file
      case S_IFLNK: kind = .link(target: try parent.target(of: path.name))
      default: continue
      }
      items.append(
        StagingList.Item(
          source: path, destination: path, entry: FileManifest.Entry(status, kind: kind), isLinked: false))
    }
    guard !items.isEmpty else { return }
    let place = "\(replacedFolder)/\(Timestamp.now.rawValue)"
    try AttemptFolder(path: place).create()
    _ = try FileCopy(from: folder, to: place, tag: "replaced", isDurable: true).run(StagingList(items))
  }
}

extension FileManifest {
  /// Of its hashes.
  fileprivate var kind: ContentHash.Kind { entries.values.lazy.compactMap { $0.hash?.kind }.first ?? .sha256 }
}

extension ProjectHost {
  /// - Parameters:
  ///   - into: a new folder here that is made for what comes.
  ///   - spool: a folder here, ours.
  /// - Returns: the folder that holds the files by their paths.
  func fetch(
    _ names: [RelativePath], into folder: String, spool: String, meanwhile check: () throws -> Void
  ) throws -> String {
    guard !names.isEmpty else {
      try AttemptFolder(path: folder).create()
      return folder
    }
    let parcel = ParcelName.fresh()
    let call = host.call(
      "\(Parcel.text)\n\(Self.text)\nsweepq_give \(place) \(parcel)\n",
      input: .bytes(ProjectParcel.list(names)),
      timeout: 3_600_000, spool: spool)
    let answer = try HostWait.answer(of: call, meanwhile: check)
    guard answer.status != nil else {
      throw QueueError(.unavailable, "\(host.settings.destination) does not answer: \(answer.summary)")
    }
    guard answer.status == 0, let spooled = call.spooled else {
      throw QueueError(.inputOutput, "on \(host.settings.destination): \(answer.summary)")
    }
    let opening = ParcelOpening(spooled, into: folder)
    while try opening.contents() == nil {
      try check()
      var wait = [pollfd(fd: opening.descriptor, events: Int16(POLLIN), revents: 0)]
      poll(&wait, 1, 1_000)
    }
    return "\(folder)/incoming/\(parcel).give"
  }
}
