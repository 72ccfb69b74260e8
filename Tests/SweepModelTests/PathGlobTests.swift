import Testing

@testable import SweepModel

@Suite struct PathGlobTests {
  @Test(arguments: [
    ("a.csv", "a.csv", true), ("*.csv", "a.csv", true), ("*.csv", ".a.csv", false), (".*", ".a", true),
    ("?", "ä", true), ("??", "ä", false), ("[a-c]x", "bx", true), ("[!a-c]x", "bx", false),
    ("[!a-c]x", "dx", true), ("[]]x", "]x", true), ("[a", "[a", true), ("[[:digit:]]*", "7up", true),
    ("[[:digit:]]*", "up7", false), ("\\*", "*", true), ("\\*", "a", false), ("a*b*c", "aXbYbZc", true),
    ("a*b*c", "aXbYbZ", false), ("*", "-rf", true), ("*", "a\nb", true), ("{a,b}", "a", false),
    ("[ä-ü]", "ö", true), ("[?]x", "?x", true), ("*.*", "a.", true), ("**", "x", true),
    ("a**b", "a/b", false),
    ("out/*.csv", "out/a.csv", true), ("out/*.csv", "out/sub/a.csv", false), ("out/*.csv", "a.csv", false),
    ("out/**/*.csv", "out/a.csv", true), ("out/**/*.csv", "out/x/y/a.csv", true),
    ("out/**/*.csv", "out/.x/a.csv", false), ("**/a", "a", true), ("**/a/**", "x/a/b/c", true),
    ("src", "src/deep/.hidden", true), ("src/", "src/x", true), ("./src", "src", true),
    ("src", "srcs", false),
    ("**", ".x", false), ("*", "x/.y", true),
  ])
  func namesPathsAsShellsDo(glob: String, path: String, isNamed: Bool) throws {
    let path = try #require(RelativePath(path))
    #expect(try PathGlob(glob).covers(path) == isNamed)
  }

  @Test func bytesThatAreNoTextAreCharactersToo() throws {
    let path = try #require(RelativePath([0xff, 0x2e, 0x64]))
    #expect(try PathGlob("?.d").covers(path))
    #expect(try !PathGlob("??.d").covers(path))
    #expect(path.description == "%FF.d")
  }

  @Test(arguments: ["", "/", "/etc/passwd", "..", "../x", "a/../b", ".", "./", "a\u{0}b", "\\..", "\\.."])
  func whatLeadsOutIsRefused(glob: String) {
    #expect { try PathGlob(glob) } throws: {
      ($0 as? QueueError)?.code == .usage && ($0 as? QueueError)?.remedy != nil
    }
  }

  @Test func anEscapedValueMatchesOnlyItself() throws {
    let value = "a*[b]?\\"
    let glob = try PathGlob(PathGlob.escape(value))
    #expect(glob.isPlain)
    #expect(glob.covers(try #require(RelativePath(value))))
    #expect(!glob.covers(try #require(RelativePath("aXb?\\"))))
  }

  @Test(arguments: ["", "/a", "a/", "a//b", "a/./b", "../a", "a\u{0}"])
  func onlyCleanPathsArePaths(text: String) { #expect(RelativePath(text) == nil) }

  @Test func aPathKnowsItsParts() throws {
    let path = try #require(RelativePath("a/b/c"))
    #expect(path.parent.description == "a/b" && path.name.elementsEqual("c".utf8))
    #expect(path.dropFirst(2).description == "c" && path.dropFirst(3).isRoot)
    #expect(RelativePath.root.appending(path) == path)
    #expect(RelativePath("a\nb")?.description == "a%0Ab")
  }
}
