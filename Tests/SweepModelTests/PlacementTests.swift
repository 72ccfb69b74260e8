import Testing

@testable import SweepModel

@Suite struct PlacementTests {
  @Test(
    arguments: [
      (Placement.anywhere, nil),
      (Placement(on: ["lab2", "lab1", "lab2"]), "lab1,lab2"),
      (Placement(avoiding: ["lab1"]), "!lab1"),
      (Placement(on: ["a", "b"], avoiding: ["b"]), "a,b!b"),
      (Placement(on: []), nil),
    ] as [(Placement, String?)]) func aRowTellsIt(placement: Placement, text: String?)
  {
    #expect(placement.text == text)
    #expect(Placement(text: text) == placement)
  }

  @Test func whoIsNotAmongThoseNamedMayNotRunIt() {
    let bound = Placement(on: ["a", "b"])
    #expect(bound.admits("a") && bound.admits("b") && !bound.admits("c"))
    #expect(Placement.anywhere.admits("c"))
  }

  @Test func whereItHasFailedItMayRunButIsNotFavoured() {
    let placement = Placement(on: ["a", "b"]).avoiding("b").avoiding("b")
    #expect(placement.avoided == ["b"])
    #expect(placement.admits("b") && !placement.favours("b") && placement.favours("a"))
    #expect(!placement.favours("c"))
  }
}
