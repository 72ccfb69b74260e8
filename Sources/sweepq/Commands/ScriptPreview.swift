import SweepModel
import SweepWorker

/// What `submit --dry-run --backend` shows of the submissions to come.
struct ScriptPreview {
  let title: String
  let preview: SubmissionPreview

  var text: SubmissionText {
    SubmissionText(script: preview.prepared.script, command: preview.prepared.command.arguments)
  }

  var json: JSONValue {
    .object(
      [
        .init(name: "scheduler", value: .text(title)),
        .init(name: "kind", value: .text(preview.kind.rawValue)),
        .init(name: "jobs", value: JSONValue(preview.jobs)),
        .init(name: "tasks", value: JSONValue(preview.tasks)),
        .init(name: "submissions", value: JSONValue(preview.submissions)),
      ] + text.members)
  }

  func write(to page: inout Page) {
    let shape =
      switch preview.kind {
      case .single: "job by job"
      case .array: "as an array of \(AmountText.count(preview.tasks)) tasks"
      case .bundle:
        "as \(AmountText.plural(preview.tasks, "bundle")) of \(AmountText.plural(preview.jobs / max(1, preview.tasks), "job"))"
      }
    page.line()
    page.line(
      "\(title) would get them in \(AmountText.plural(preview.submissions, "submission"))"
        + (preview.jobs == 1 && preview.submissions == 1 ? ":" : ", \(shape). The first:"))
    page.line()
    text.write(to: &page)
  }
}
