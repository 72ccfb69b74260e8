/// The schema's steps, embedded in the binary so that it runs wherever it is copied.
public enum Migrations {
  /// One step: the schema's version after it, the file's name, and its SQL.
  public struct Step: Sendable {
    public let version: Int
    public let name: String
    public let sql: String

    package init(version: Int, name: String, sql: String) {
      self.version = version
      self.name = name
      self.sql = sql
    }
  }

  /// All steps in order; a step is never edited once released.
  public static let all: [Step] = [
    Step(version: 1, name: "0001_queue", sql: text(PackageResources._001_queue_sql))
  ]

  private static func text(_ bytes: [UInt8]) -> String { String(decoding: bytes, as: UTF8.self) }
}
