import SweepExecutors
import SweepModel
import SweepStore

/// Gathers what an attempt has left, its outputs and its results, into its settlement. The same for all executors.
struct OutputCollector {
  /// The longest output, in bytes, that goes into the database.
  let inlineLimit: Int
  let job: JobID
  let index: Int
  /// A JSON object.
  let parameters: String
  let folder: AttemptFolder
  /// Where the file that is named for results has been brought to, if not where its job left it.
  var resultFile: String?

  /// - Parameters:
  ///   - stdoutBytes: the size where it is known, which spares the opening of empty files.
  ///   - recipe: asked only for a success.
  /// - Returns: which of our files have to stay.
  func collect(
    into settlement: inout Settlement, startedAt: Timestamp, stdoutBytes: Int64? = nil,
    stderrBytes: Int64? = nil, hasResultFile: Bool = true, recipe: () throws -> SweepRecipe
  ) -> Set<AttemptFolder.File> {
    do {
      let output = try Harvest.read(
        folder, inlineLimit: inlineLimit, stdoutBytes: stdoutBytes, stderrBytes: stderrBytes,
        hasResultFile: hasResultFile)
      settlement.outputs = [
        Settlement.Output(stream: .stdout, size: output.stdoutBytes, bytes: output.stdout),
        Settlement.Output(stream: .stderr, size: output.stderrBytes, bytes: output.stderr),
      ]
      if settlement.outcome == .succeeded {
        let (results, problem) = results(output, startedAt: startedAt, recipe)
        settlement.results = results
        settlement.reason = problem
      }
      settlement.hasFiles = try !output.kept.isEmpty || folder.hasForeignFiles()
      return output.kept
    } catch {
      // The outputs cannot be read now; they stay where they are, and the end is recorded all the same.
      settlement.hasFiles = true
      settlement.reason = [settlement.reason, "its output could not be read: \(error)"].compactMap { $0 }
        .joined(separator: "; ")
      return Set(AttemptFolder.File.allCases)
    }
  }

  /// Results from the result file, the named file and the captures, and what was wrong with them.
  private func results(
    _ output: HarvestedOutput, startedAt: Timestamp, _ recipe: () throws -> SweepRecipe
  ) -> (results: [(name: String, value: ParameterValue)], problem: String?) {
    var results: [(name: String, value: ParameterValue)] = []
    var problems = output.resultProblem.map { [$0] } ?? []
    do {
      let recipe = try recipe()
      if let captures = recipe.captures {
        let bytes: [UInt8]
        if let whole = output.stdout {
          bytes = whole
        } else {
          bytes = try Harvest.text(of: .standardOutput, in: folder)
        }
        results += captures.values(in: String(decoding: bytes, as: UTF8.self)).map {
          (name: $0.0, value: $0.1)
        }
      }
      let work = recipe.isolates ? folder.workPath : nil
      if let path = try recipe.resultFile(parameters: parameters, job: job, index: index, in: work) {
        switch NamedResultFile.read(resultFile ?? path, as: path, notBefore: startedAt) {
        case .success(let bytes): results += try ResultReading.fromJSON(bytes)
        case .failure(let problem): problems.append(problem.message)
        }
      }
      if let bytes = output.result, !bytes.isEmpty { results += try ResultReading.fromJSON(bytes) }
    } catch let error as QueueError {
      problems.append(error.message)
    } catch {
      problems.append("\(error)")
    }
    return (results, problems.isEmpty ? nil : "no results: " + problems.joined(separator: "; "))
  }
}
