import ArgumentParser

/// What a person may wish of a change of many jobs.
struct ChangeOptions: ParsableArguments {
  @Flag(name: .long, help: "Come back when all of it is done, and not only safely begun.")
  var wait = false
}
