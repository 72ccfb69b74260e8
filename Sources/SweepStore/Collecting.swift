import Foundation
import GRDB
import SweepModel

extension Store {
  /// Reserves places in a sweep's working directory for the files of one of its jobs. A place belongs to the first job
  /// that asks for it, for as long as the job's row is there.
  ///
  /// - Parameter places: relative paths.
  /// - Returns: those of the places that belong to other jobs, and to which; then none was reserved.
  package func reserve(
    _ places: [RelativePath], in sweep: SweepID, for job: JobID
  ) throws -> [RelativePath: JobID] {
    try write { db in
      var taken: [RelativePath: JobID] = [:]
      var free: [RelativePath] = []
      for place in places {
        let owner = try Int64.fetchOne(
          db.cachedStatement(sql: "SELECT job FROM collected WHERE sweep = ? AND place = ?"),
          arguments: [sweep.rawValue, Data(place.bytes)])
        if owner == nil { free.append(place) }
        if let owner, owner != job.rawValue { taken[place] = JobID(rawValue: owner) }
      }
      guard taken.isEmpty else { return taken }
      for place in free {
        try db.cachedStatement(sql: "INSERT INTO collected(sweep, place, job) VALUES (?, ?, ?)")
          .execute(arguments: [sweep.rawValue, Data(place.bytes), job.rawValue])
      }
      return [:]
    }
  }
}
