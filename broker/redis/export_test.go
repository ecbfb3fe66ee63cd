package redis

// Seams for the tests of this package: what EVALSHA names the scripts.
var (
	ReplaceHash = replaceScript.Hash()
	FindHash    = findScript.Hash()
)

// GuessHash is how a guess is called.
var GuessHash = guessScript.Hash()
