import SweepModel
import Testing

@testable import SweepExecutors

@Suite struct GPUInventoryTests {
  let scratch: Scratch

  init() throws { scratch = try Scratch() }

  func tool(_ name: String, _ script: String) throws {
    try scratch.write(name, "#!/bin/sh\n\(script)\n", mode: 0o700)
  }

  func discover(
    visible: String? = nil, roc: String? = nil, timeout: Int64 = 10_000
  ) -> [GPU] {
    GPUInventory.discover(
      overrides: [
        ("PATH", "\(scratch.path):/usr/bin:/bin"), ("CUDA_VISIBLE_DEVICES", visible),
        ("ROCR_VISIBLE_DEVICES", roc), ("HIP_VISIBLE_DEVICES", nil),
      ], timeout: timeout)
  }

  let nvidia = """
    [ "$1" = --query-gpu=index,uuid,name,memory.total ] && [ "$2" = --format=csv,noheader,nounits ] || exit 9
    echo '0, GPU-8f6b1c, NVIDIA A100-SXM4-40GB, 40960'
    echo '1, GPU-77aa02, NVIDIA A100-SXM4-40GB, 40960'
    echo '2, GPU-90cc03, Tesla V100, 16384'
    """

  @Test func withoutToolsThereAreNone() {
    #expect(discover().isEmpty)
  }

  @Test func nvidiaIsReadLineByLine() throws {
    try tool("nvidia-smi", nvidia)
    let gpus = discover()
    #expect(gpus.map(\.identifier) == ["0", "1", "2"])
    #expect(gpus[2].uuid == "GPU-90cc03" && gpus[2].name == "Tesla V100")
    #expect(gpus[0].memory == 40_960 << 20)
    #expect(
      GPUInventory.environment(for: [gpus[0], gpus[2]]).map { "\($0.name)=\($0.value ?? "")" }
        == ["CUDA_DEVICE_ORDER=PCI_BUS_ID", "CUDA_VISIBLE_DEVICES=0,2"])
    #expect(GPUInventory.environment(for: []).isEmpty)
  }

  @Test(arguments: [
    ("2,0", ["2", "0"]), ("", []), ("-1", []), ("GPU-77a", ["GPU-77a"]), ("1,-1,0", ["1"]), ("7", []),
    ("MIG-1/2/0", ["MIG-1/2/0"]),
  ])
  func aVariableThatIsSetRestricts(_ visible: String, _ expected: [String]) throws {
    try tool("nvidia-smi", nvidia)
    #expect(discover(visible: visible).map(\.identifier) == expected)
  }

  @Test func aDriverThatFailsOrPrintsNonsenseMeansNone() throws {
    try tool("nvidia-smi", "echo 'NVIDIA-SMI has failed because it could not communicate'; exit 9")
    #expect(discover().isEmpty)
    try tool("nvidia-smi", "echo 'No devices were found'")
    #expect(discover().isEmpty)
  }

  @Test func aDriverThatHangsIsLeft() throws {
    try tool("nvidia-smi", "echo $$ > \(scratch.path)/pid; sleep 300 & wait")
    let begin = monotonicMilliseconds()
    #expect(discover(timeout: 1_500).isEmpty)
    #expect(monotonicMilliseconds() - begin < 60_000)
    let pid = Int32((fileText("\(scratch.path)/pid") ?? "").dropLast()) ?? 0
    #expect(pid > 0 && ProcessEntry.read(pid) == nil)
  }

  @Test func amdIsReadFromItsJSON() throws {
    try tool(
      "rocm-smi",
      #"""
      echo '{"card1": {"Device Name": "MI250", "Unique ID": "0xb", "VRAM Total Memory (B)": "68702699520"},
       "card0": {"Card series": "Instinct MI210", "Unique ID": "0xa", "VRAM Total Memory (B)": "68702699520"},
       "system": {"Driver version": "6.0"}}'
      """#)
    let gpus = discover()
    #expect(gpus.map(\.identifier) == ["0", "1"])
    #expect(gpus.map(\.name) == ["Instinct MI210", "MI250"])
    #expect(gpus[1].uuid == "0xb" && gpus[1].memory == 68_702_699_520)
    #expect(
      GPUInventory.environment(for: [gpus[1]]).map { "\($0.name)=\($0.value ?? "")" }
        == ["ROCR_VISIBLE_DEVICES=1", "HIP_VISIBLE_DEVICES=0"])
    #expect(discover(roc: "1").map(\.identifier) == ["1"])
  }
}
