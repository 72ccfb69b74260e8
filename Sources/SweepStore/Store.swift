import CSystem
import GRDB
import Migrations
import SweepModel

#if canImport(Glibc)
  import Glibc
#endif

/// The rows of one queue: every read and every write of its database.
///
/// Many processes may have one open at the same time. Every write is one `BEGIN IMMEDIATE … COMMIT` behind the
/// turnstile, durable (`synchronous=FULL`) when the method returns. Never open, copy or close the database's
/// files by any other road inside a process that has a `Store`: POSIX locks belong to the process, and closing any
/// descriptor of the file drops SQLite's.
public final class Store: Sendable {
  public let folder: QueueFolder
  /// The queue's own random name, written when it was made.
  public let queueID: String
  let database: DatabaseQueue
  let turnstile: Turnstile
  let once = StoredOnce()
  private let pin: HostPin?
  private let isShortLived: Bool

  /// "swpq", so that a foreign database is recognised.
  static let applicationID: Int32 = 0x7377_7071

  /// What an opener may say; the defaults are for real use, the rest for tests and rescue.
  public struct Options: Sendable {
    /// Make the queue if it is not there.
    public var creates: Bool
    public var hostName: String
    /// The process soon ends, and leaves the queue without closing it.
    public var isShortLived: Bool
    public var filesystem: @Sendable (String) throws -> Filesystem
    var steps: [Migrations.Step]

    public init(
      creates: Bool = false, hostName: String = Store.currentHostName(), isShortLived: Bool = false,
      filesystem: @escaping @Sendable (String) throws -> Filesystem = Filesystem.of
    ) {
      self.creates = creates
      self.hostName = hostName
      self.isShortLived = isShortLived
      self.filesystem = filesystem
      self.steps = Migrations.all
    }
  }

  /// Opens the queue in `folder`, bringing an older schema up to date.
  ///
  /// - Throws: ``QueueError``: `unavailable` if there is none (and `creates` is false) or another host has it,
  ///   `badData` if the file is damaged, foreign or of a newer schema, `permission`, `inputOutput`.
  public init(_ folder: QueueFolder, options: Options = Options()) throws {
    self.folder = folder
    isShortLived = options.isShortLived
    let path = folder.database
    if !QueueFolder.exists(path) {
      guard errno != EACCES else {
        throw QueueError(
          .permission, "\(folder.path) may not be looked into", remedy: "check who owns the folder")
      }
      guard options.creates else {
        throw QueueError(
          .unavailable, "there is no queue in \(folder.path)",
          remedy: "make one with: sweepq init \(folder.path)")
      }
      try folder.create()
    }
    _ = Store.prepareLibrary
    let isShared: Bool
    if case .network = try options.filesystem(folder.path) { isShared = true } else { isShared = false }
    pin = isShared ? try HostPin(path: path + ".host", host: options.hostName) : nil
    let turnstile = try Turnstile(prefix: path)
    self.turnstile = turnstile
    let steps = options.steps
    let (database, queueID) = try turnstile.pass {
      try Store.translating(path) {
        if !QueueFolder.exists(path) {
          // Made here so that it is its owner's alone; SQLite gives its other files the same mode.
          let descriptor = open(path, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0o600)
          if descriptor >= 0 { close(descriptor) }
        }
        let database = try DatabaseQueue(path: path, configuration: Store.configuration(options))
        let id = try Store.prepare(database, path: path, isShared: isShared, steps: steps)
        return (database, id)
      }
    }
    self.database = database
    self.queueID = queueID
    try folder.createParts()
  }

  deinit {
    // The last close of a WAL database is a checkpoint, so it too goes through the turnstile.
    try? turnstile.pass { try database.close() }
  }

  public static func currentHostName() -> String {
    var buffer = [CChar](repeating: 0, count: 256)
    guard gethostname(&buffer, buffer.count - 1) == 0 else { return "localhost" }
    return String(decoding: buffer.prefix { $0 != 0 }.map { UInt8(bitPattern: $0) }, as: UTF8.self)
  }

  /// The version of the schema that this program writes.
  public static var schemaVersion: Int { Migrations.all.last?.version ?? 0 }

  // MARK: Transactions

  /// One guarded, durable write transaction.
  func write<T>(_ body: (Database) throws -> T) throws -> T {
    // Inside the queue of this process, so that its threads, which share the turnstile's descriptors, stand in line.
    try Store.translating(folder.database) {
      try database.inDatabase { db in
        try turnstile.pass {
          var result: T?
          try db.inTransaction(.immediate) {
            result = try body(db)
            return .commit
          }
          if isShortLived { emptyLongLog(db) }
          return result!
        }
      }
    }
  }

  /// Bytes of the write-ahead log beyond which a process that soon ends moves it into the database.
  private static let longLog: Int = 1 << 20

  /// Where no other process has the queue open, whoever opens it reads the whole log first, and by that forgets how much
  /// of it is in the database already: without this it would grow for as long as only short commands write. With readers
  /// about it is left for another time, at once.
  private func emptyLongLog(_ db: Database) {
    var status = stat()
    guard stat(folder.database + "-wal", &status) == 0, status.st_size > Self.longLog else { return }
    try? db.execute(sql: "PRAGMA busy_timeout = 0")
    _ = try? db.checkpoint(.truncate)
    try? db.execute(sql: "PRAGMA busy_timeout = 30000")
  }

  /// A consistent view of several reads; keep it short, a long one lets the write-ahead log grow without bound.
  func read<T>(_ body: (Database) throws -> T) throws -> T {
    try Store.translating(folder.database) {
      try database.inDatabase { db in
        var result: T?
        try db.inTransaction(.deferred) {
          result = try body(db)
          return .commit
        }
        return result!
      }
    }
  }

  /// A number that changes when another connection has committed; 2 µs, for polling.
  public func dataVersion() throws -> Int {
    try Store.translating(folder.database) {
      try database.inDatabase { try Int.fetchOne($0.cachedStatement(sql: "PRAGMA data_version")) ?? 0 }
    }
  }

  /// Moves the write-ahead log into the database.
  public func checkpoint() throws {
    try Store.translating(folder.database) {
      try database.inDatabase { db in try turnstile.pass { _ = try db.checkpoint(.truncate) } }
    }
  }

  // MARK: Opening

  /// Once a process: SQLite's count of its own memory costs a lock at every allocation, a fifth of all its time.
  private static let prepareLibrary: Void = { sq_sqlite_without_memory_count() }()

  private static func configuration(_ options: Options) -> Configuration {
    let checkpointPages = options.isShortLived ? 0 : 1000
    var configuration = Configuration()
    configuration.label = "sweepq"
    configuration.foreignKeysEnabled = true
    // Only programs that do not pass the turnstile (the sqlite3 shell, say) ever make us wait here.
    configuration.busyMode = .timeout(30)
    configuration.prepareDatabase { db in
      db.add(function: StoreFunctions.number)
      db.add(function: StoreFunctions.matches)
      try db.execute(
        sql: """
          PRAGMA synchronous = FULL;
          PRAGMA secure_delete = OFF;
          PRAGMA cache_size = -32768;
          PRAGMA wal_autocheckpoint = \(checkpointPages);
          PRAGMA journal_size_limit = 67108864;
          PRAGMA temp_store = MEMORY;
          PRAGMA recursive_triggers = OFF;
          """)
    }
    return configuration
  }

  /// Checks what the file is, brings it up to date, and returns the queue's id.
  private static func prepare(
    _ database: DatabaseQueue, path: String, isShared: Bool, steps: [Migrations.Step]
  ) throws -> String {
    try database.inDatabase { db in
      let application = try Int32.fetchOne(db, sql: "PRAGMA application_id") ?? 0
      let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
      let newest = steps.last?.version ?? 0
      if application == 0 && version == 0 {
        guard try Int.fetchOne(db, sql: "SELECT count(*) FROM sqlite_master") == 0 else {
          throw refuseForeign(path)
        }
      } else if application != applicationID {
        throw refuseForeign(path)
      }
      guard version <= newest else {
        throw QueueError(
          .badData, "\(path) has schema \(version), this sweepq knows schemas up to \(newest)",
          remedy: "use the newer sweepq that wrote it")
      }
      let mode = isShared ? "truncate" : "wal"
      let current = try String.fetchOne(db, sql: "PRAGMA journal_mode")
      if current != mode {
        let got = try String.fetchOne(db, sql: "PRAGMA journal_mode = \(mode)") ?? "none"
        guard got == mode else {
          throw QueueError(.inputOutput, "\(path) has journal mode \(got) instead of \(mode)")
        }
      }
      guard try Int.fetchOne(db, sql: "PRAGMA synchronous") == 2 else {
        throw QueueError(.internalFault, "the connection to \(path) is not fully synchronous")
      }
      if version < newest { try migrate(db, steps: steps) }
      guard let id = try String.fetchOne(db, sql: "SELECT value FROM setting WHERE name = 'queue_id'") else {
        throw QueueError(
          .badData, "\(path) has lost its queue id", remedy: "restore a backup, or run: sweepq doctor")
      }
      return id
    }
  }

  private static func migrate(_ db: Database, steps: [Migrations.Step]) throws {
    try db.inTransaction(.immediate) {
      let version = try Int.fetchOne(db, sql: "PRAGMA user_version") ?? 0
      for step in steps where step.version > version {
        try db.execute(sql: step.sql)
        try db.execute(sql: "PRAGMA user_version = \(step.version)")
      }
      if version == 0 {
        try db.execute(sql: "PRAGMA application_id = \(applicationID)")
        var generator = SystemRandomness()
        try db.execute(
          sql: "INSERT OR IGNORE INTO setting(name, value) VALUES ('queue_id', ?), ('created_at', ?)",
          arguments: [AttemptToken.random(using: &generator).rawValue, String(Timestamp.now.rawValue)])
      }
      return .commit
    }
  }

  /// Takes back what opening has put beside a file that is somebody else's.
  private static func refuseForeign(_ path: String) -> QueueError {
    for suffix in Turnstile.suffixes + [".host"] { unlink(path + suffix) }
    return QueueError(
      .badData, "\(path) is an SQLite database, but not a queue of sweepq",
      remedy: "choose another folder with --queue")
  }

  /// Turns SQLite's errors into sentences with a remedy.
  static func translating<T>(_ path: String, _ body: () throws -> T) throws -> T {
    do { return try body() } catch let error as DatabaseError {
      throw explain(error, path: path)
    }
  }

  private static func explain(_ error: DatabaseError, path: String) -> QueueError {
    let text = error.message ?? "error \(error.extendedResultCode.rawValue)"
    switch error.resultCode {
    case .SQLITE_FULL:
      return QueueError(
        .inputOutput, "the disk with \(path) is full", remedy: "free some space there; nothing was lost")
    case .SQLITE_BUSY, .SQLITE_LOCKED:
      return QueueError(.busy, "another program keeps \(path) locked", remedy: "end it, or try again")
    case .SQLITE_CORRUPT, .SQLITE_NOTADB:
      return QueueError(
        .badData, "\(path) is damaged or is not an SQLite database (\(text))",
        remedy: "keep a copy of the folder, then restore a backup made with sweepq backup")
    case .SQLITE_READONLY, .SQLITE_PERM, .SQLITE_AUTH:
      return QueueError(
        .permission, "\(path) cannot be written (\(text))", remedy: "check who owns the folder")
    case .SQLITE_CANTOPEN:
      return QueueError(
        .permission, "\(path) cannot be opened (\(text))", remedy: "check who owns the folder")
    case .SQLITE_IOERR:
      return QueueError(.inputOutput, "reading or writing \(path) failed (\(text))", remedy: "check the disk")
    case .SQLITE_CONSTRAINT:
      return QueueError(.internalFault, "the database refused a change: \(text)")
    default:
      return QueueError(.internalFault, "\(path): \(text)")
    }
  }
}
