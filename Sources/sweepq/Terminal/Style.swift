import SweepModel

/// Colours and weights, where they are wanted.
///
/// A terminal gets them unless `--no-color` or `NO_COLOR` says otherwise; `CLICOLOR_FORCE` gives them to a pipe too
/// (https://no-color.org, https://bixense.com/clicolors).
struct Style: Sendable, Equatable {
  enum Paint: String, Sendable {
    case bold = "1"
    case dim = "2"
    case red = "31"
    case green = "32"
    case yellow = "33"
    case blue = "34"
    case magenta = "35"
    case cyan = "36"
  }

  static let plain = Style(isColored: false)

  let isColored: Bool

  init(isColored: Bool) { self.isColored = isColored }

  init(on terminal: Terminal, allowed: Bool, environment: ProcessEnvironment) {
    if !allowed || environment["NO_COLOR"] != nil {
      isColored = false
    } else if let force = environment["CLICOLOR_FORCE"], force != "0" {
      isColored = true
    } else {
      isColored = terminal.isInteractive && environment["CLICOLOR"] != "0"
    }
  }

  func paint(_ paint: Paint?, _ text: String) -> String {
    guard isColored, let paint, !text.isEmpty else { return text }
    return "\u{1b}[\(paint.rawValue)m\(text)\u{1b}[0m"
  }

  func state(_ state: JobState) -> String { paint(state.paint, state.rawValue) }
}

extension JobState {
  var paint: Style.Paint? {
    switch self {
    case .held: .magenta
    case .waiting: .dim
    case .queued: nil
    case .claimed, .submitted: .cyan
    case .running: .blue
    case .completed: .green
    case .failed: .red
    case .cancelled: .yellow
    }
  }
}
