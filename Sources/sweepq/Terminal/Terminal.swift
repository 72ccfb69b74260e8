@preconcurrency import Glibc

/// What a file descriptor leads to: a terminal with a size, or something that is not looked at.
struct Terminal: Sendable, Equatable {
  /// The descriptor is a terminal that can move its cursor.
  let isInteractive: Bool
  let columns: Int
  let rows: Int

  init(isInteractive: Bool, columns: Int = 80, rows: Int = 24) {
    self.isInteractive = isInteractive
    self.columns = columns
    self.rows = rows
  }

  init(descriptor: Int32, environment: ProcessEnvironment) {
    guard isatty(descriptor) == 1, environment["TERM"] != "dumb" else {
      self.init(isInteractive: false)
      return
    }
    var size = winsize()
    let known = ioctl(descriptor, UInt(TIOCGWINSZ), &size) == 0
    self.init(
      isInteractive: true,
      columns: known && size.ws_col > 0 ? Int(size.ws_col) : environment["COLUMNS"].flatMap { Int($0) } ?? 80,
      rows: known && size.ws_row > 0 ? Int(size.ws_row) : environment["LINES"].flatMap { Int($0) } ?? 24)
  }
}
