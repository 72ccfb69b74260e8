import CSystem
import SweepModel

#if canImport(Glibc)
  @preconcurrency import Glibc
#endif

/// A script while it runs on another host: it neither blocks whoever started it nor outlives its time.
///
/// One is started with ``SSHHost/call(_:timeout:spool:)``. The script's text goes through ssh's standard input, after it the
/// script's own input. Nothing is sent before the shell there is ready to read it, so that of a connection that cannot be
/// made it is certain that nothing has been done: see ``HostAnswer``.
package final class HostCall {
  /// Of what a script says on standard error, and everybody else on the way, more than this many bytes are not kept.
  static let errorLimit = 64 << 20

  /// Has news to poll for (with `POLLIN`), at which ``answer()`` must be asked, whatever it said before; -1 once it has
  /// answered for good.
  package private(set) var descriptor: Int32 = -1
  /// The output as a file, where a spool was asked for: see ``HostAnswer``.
  package private(set) var spooled: SpooledOutput?
  /// What had come of such an output when it was cut.
  package private(set) var remains: SpooledOutput?

  private let frame: HostFrame
  private let deadline: Int64
  private let readyBy: Int64
  private var process: ChildProcess?
  private var output: NamelessFile?
  private let isSpooled: Bool
  /// Our ends of the sockets that are the program's standard input and standard error.
  private var input: Int32 = -1
  private var errors: Int32 = -1
  private var said: [UInt8] = []
  private var unsent: [UInt8]
  private var unsentPlace = 0
  private let attachment: HostInput
  private var attached: Int64 = 0
  private var isReady = false
  private var isAllSent = false
  private var isOutOfTime = false
  private var result: HostAnswer?
  private let whenBroken: () -> Void

  /// What a script finds on its standard input. It must not act on the half of one: a connection may break at any byte.
  package enum HostInput {
    case none
    case bytes([UInt8])
    /// From its beginning to its end.
    case file(NamelessFile)
    /// So many bytes of one from a place on.
    case piece(NamelessFile, from: Int64, count: Int64)
  }

  /// The part of a file that is a script's output.
  package struct SpooledOutput {
    package let file: NamelessFile
    package let start: Int64
    package let count: Int64
  }

  /// - Parameters:
  ///   - arguments: the program that brings a shell's command line to where it is to run, its last argument; it is given
  ///     that as one more.
  ///   - readyTime: milliseconds until the shell there must have answered.
  ///   - timeout: milliseconds for all.
  ///   - spool: a folder here on whose disk the output is kept instead of in memory.
  ///   - whenBroken: called when it ends otherwise than with the script.
  init(
    _ arguments: [String], shell: String = "sh", script: String, input attachment: HostInput = .none,
    readyTime: Int64, timeout: Int64, spool: String? = nil, whenBroken: @escaping () -> Void = {}
  ) {
    frame = HostFrame()
    let now = monotonicMilliseconds()
    deadline = now + timeout
    readyBy = min(deadline, now + readyTime)
    unsent = Array(frame.text(of: script).utf8)
    self.attachment = attachment
    self.whenBroken = whenBroken
    isSpooled = spool != nil
    do {
      try start(arguments + [frame.command(shell: shell)], spool)
    } catch {
      result = HostAnswer(ending: .notStarted("\(error)"), isAllSent: false)
    }
  }

  deinit { closeAll() }

  /// Milliseconds until it must have ended; 0 when it has already, or its time is over.
  package var timeLeft: Int64 { result == nil ? max(0, deadline - monotonicMilliseconds()) : 0 }

  /// Its answer once it has ended; nil while it runs. Moves it on, and ends it when its time is over.
  package func answer() -> HostAnswer? {
    if let result { return result }
    guard let process else { return nil }
    listen()
    send()
    let now = monotonicMilliseconds()
    if now >= deadline || !isReady && now >= readyBy {
      isOutOfTime = true
      process.end()
    } else if let ending = process.ending() {
      listen()
      return conclude(ending)
    } else {
      return nil
    }
    listen()
    return conclude(nil)
  }

  // MARK: Starting

  private func start(_ arguments: [String], _ spool: String?) throws {
    var toProgram: [Int32] = [-1, -1]
    var fromProgram: [Int32] = [-1, -1]
    guard sq_socket_pair(&toProgram) == 0 else { throw fileError("make", "a pair of sockets", errno) }
    defer { close(toProgram[1]) }
    input = toProgram[0]
    guard sq_pipe(&fromProgram) == 0 else { throw fileError("make", "a pipe", errno) }
    defer { close(fromProgram[1]) }
    errors = fromProgram[0]
    // The program's own ends block as it expects them to.
    for (end, isOurs) in [(input, true), (errors, true), (toProgram[1], false)] {
      let flags = fcntl(end, F_GETFL)
      _ = fcntl(end, F_SETFL, isOurs ? flags | O_NONBLOCK : flags & ~O_NONBLOCK)
    }
    let output = try spool.map { try NamelessFile(on: $0) } ?? NamelessFile("output")
    self.output = output
    descriptor = sq_watch_new()
    guard descriptor >= 0 else { throw fileError("make", "a watch", errno) }
    // What a locale here is called may mean nothing there, and ssh would hand it on.
    let process = try ChildProcess(
      arguments, removed: ["LC_", "LANG"], input: toProgram[1], output: output.descriptor,
      errors: fromProgram[1])
    self.process = process
    for end in [errors, process.handle] where sq_watch_follow(descriptor, end, 0) != 0 {
      throw fileError("watch", arguments[0], errno)
    }
  }

  private func closeAll() {
    process = nil
    for end in [descriptor, input, errors] where end >= 0 { close(end) }
    (descriptor, input, errors) = (-1, -1, -1)
  }

  // MARK: Listening and sending

  private func listen() {
    while errors >= 0 {
      var read = 0
      let piece = [UInt8](unsafeUninitializedCapacity: 65_536) { buffer, count in
        read = uninterrupted { Glibc.read(errors, buffer.baseAddress, buffer.count) }
        count = max(0, read)
      }
      if read == 0 {
        sq_watch_forget(descriptor, errors)
        close(errors)
        errors = -1
      }
      guard read > 0 else { return }
      if said.count < Self.errorLimit { said += piece }
      if !isReady, frame.isReady(said) {
        isReady = true
        sq_watch_follow(descriptor, input, 1)
      }
    }
  }

  /// Hands on as much as is taken at once.
  private func send() {
    guard isReady, input >= 0 else { return }
    while true {
      if unsentPlace == unsent.count {
        unsent = nextPiece()
        unsentPlace = 0
        if unsent.isEmpty {
          isAllSent = attached >= 0
          return stopSending()
        }
      }
      let sent = unsent.withUnsafeBytes { buffer in
        uninterrupted {
          Glibc.send(
            input, buffer.baseAddress! + unsentPlace, buffer.count - unsentPlace, Int32(MSG_NOSIGNAL))
        }
      }
      // Otherwise nobody reads any more; how the program ends tells why.
      guard sent >= 0 else { return errno == EAGAIN ? () : stopSending() }
      unsentPlace += sent
    }
  }

  private func stopSending() {
    sq_watch_forget(descriptor, input)
    close(input)
    input = -1
  }

  private func nextPiece() -> [UInt8] {
    switch attachment {
    case .none: return []
    case .bytes(let bytes):
      if attached > 0 { return [] }
      attached = 1
      return bytes
    case .file(let file):
      guard let piece = try? file.bytes(from: attached, count: 1 << 20) else {
        attached = -1
        return []
      }
      attached += Int64(piece.count)
      return piece
    case .piece(let file, let start, let count):
      let wanted = Int(min(1 << 20, count - attached))
      guard attached >= 0, let piece = try? file.bytes(from: start + attached, count: wanted),
        piece.count == wanted
      else {
        attached = -1
        return []
      }
      attached += Int64(piece.count)
      return piece
    }
  }

  // MARK: Concluding

  /// - Parameter ending: nil if it was ended because its time was over.
  private func conclude(_ ending: CommandAnswer.Ending?) -> HostAnswer {
    let framed = frame.body(of: said)
    var (output, status) = readOutput()
    if framed?.status == nil { status = nil }
    let words = String(decoding: framed?.body ?? said, as: UTF8.self)
    let how: HostAnswer.Ending
    if let status {
      how = .ended(status)
    } else if !isReady {
      output = []
      how = .unreachable(
        ending == nil
          ? SSHTrouble.silence(said, mark: frame.mark) : SSHTrouble.sentence(said, ending, mark: frame.mark))
    } else if ending == nil {
      how = .timedOut
    } else {
      how = .cut(SSHTrouble.breach(said, mark: frame.mark))
    }
    let answer = HostAnswer(
      output: output, errors: isReady ? words : SSHTrouble.words(said, mark: frame.mark), ending: how,
      isAllSent: isAllSent)
    result = answer
    if answer.isOfTheConnection { whenBroken() }
    closeAll()
    return answer
  }

  private func readOutput() -> ([UInt8], Int32?) {
    guard let output else { return ([], nil) }
    let size = output.size
    guard isSpooled else {
      let count = Int(min(size, Int64(CommandCall.answerLimit)))
      let framed = (try? output.bytes(count: count)).flatMap(frame.body)
      return (framed?.body ?? [], framed?.status)
    }
    // The marks are near the ends: in front there is what start-up files print.
    let tailCount = min(size, 4096)
    guard let head = try? output.bytes(count: Int(min(size, 1 << 20))), let start = frame.opening(in: head),
      let tail = try? output.bytes(from: size - tailCount, count: Int(tailCount))
    else { return ([], nil) }
    guard let (end, status) = frame.closing(in: tail), size - tailCount + Int64(end) >= Int64(start) else {
      remains = SpooledOutput(file: output, start: Int64(start), count: size - Int64(start))
      return ([], nil)
    }
    let last = size - tailCount + Int64(end)
    spooled = SpooledOutput(file: output, start: Int64(start), count: last - Int64(start))
    return ([], status)
  }
}
