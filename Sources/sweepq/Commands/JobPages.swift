import SweepModel
import SweepStore

/// All jobs of a selection in the order of their ids, read a page at a time so that no read keeps others waiting.
struct JobPages {
  let store: Store
  let selection: JobSelection
  var pageSize = 5_000

  func forEach(_ body: (JobRecord) throws -> Void) throws {
    var last: JobID?
    while true {
      let page = try store.jobs(selection, after: last, limit: pageSize)
      for job in page { try body(job) }
      guard page.count == pageSize, let end = page.last else { return }
      last = end.id
    }
  }
}
