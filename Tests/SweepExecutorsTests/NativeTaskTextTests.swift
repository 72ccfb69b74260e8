import Testing

@testable import SweepExecutors

@Suite struct NativeTaskTextTests {
  @Test(arguments: [
    ("slurm", "107", 4, "107_4"), ("slurm", "107;far", 4, "107_4;far"),
    ("pbs", "1020[].head", 4, "1020[4].head"),
    ("pbs", "1020[]", 4, "1020[4]"), ("pbs", "7.head", 2, "7.head[2]"), ("lsf", "5", 4, "5[4]"),
    ("direct", "scan-q1@lab1", 4, "scan-q1[4]@lab1"), ("direct", "one@lab1", nil, "one@lab1"),
    ("sge", "5", 4, "5.4"), ("slurm", "107", nil, "107"), ("pbs", "7.head", nil, "7.head"),
  ])
  func asItsCommandsTakeIt(scheduler: String, id: String, task: Int?, text: String) {
    #expect(NativeTask(NativeID(rawValue: id), task: task).text(scheduler: scheduler) == text)
  }

  @Test func tasksAreFoundInEntriesOfSeveral() {
    #expect(
      (1...10).map { NativeTask.offset(of: $0, inEntry: "107_[2-5,9%2]") } == [
        nil, 0, 1, 2, 3, nil, nil, nil, 4, nil,
      ])
    #expect(NativeTask.offset(of: 3, inEntry: "12[].head") == 2)
    #expect(NativeTask.offset(of: 3, inEntry: "107") == nil)
    #expect(NativeTask.offset(of: 3, inEntry: "107_3") == nil, "that is the task itself")
    #expect(NativeTask.texts(inEntry: "107_[2-3,9]", among: []) == ["107_2", "107_3", "107_9"])
    #expect(
      NativeTask.texts(inEntry: "12[].head", among: ["12[1].head", "112[1].head", "12[2].head", "12.head"])
        == ["12[1].head", "12[2].head"])
    #expect(NativeTask.texts(inEntry: "107", among: ["107"]).isEmpty)
    #expect(
      (1...10).map { NativeTask.offset(of: $0, inEntry: "5.2-5,9") } == [
        nil, 0, 1, 2, 3, nil, nil, nil, 4, nil,
      ])
    #expect(NativeTask.texts(inEntry: "5.2-3,9", among: []) == ["5.2", "5.3", "5.9"])
    #expect(NativeTask.texts(inEntry: "5.2", among: ["5.2"]).isEmpty, "that is the task itself")
    #expect(NativeTask.texts(inEntry: "7.far-away", among: ["7.far-away"]).isEmpty)
    #expect((2...6).map { NativeTask.offset(of: $0, inEntry: "a.2-b[3-5]@lab-1") } == [nil, 0, 1, 2, nil])
    #expect(NativeTask.texts(inEntry: "scan[3-4]@lab", among: []) == ["scan[3]@lab", "scan[4]@lab"])
    #expect(NativeTask.texts(inEntry: "scan[3]@lab", among: []).isEmpty, "that is the task itself")
  }
}
