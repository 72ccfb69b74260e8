import Synchronization

/// A value that several threads of a test change.
final class Shared<Value: Sendable>: Sendable {
  private let mutex: Mutex<Value>

  init(_ value: Value) { mutex = Mutex(value) }

  func withLock<T: Sendable>(_ body: (inout Value) -> T) -> T {
    mutex.withLock { value in
      let result = body(&value)
      return result
    }
  }
}
