// Package api speaks Auth0's management shapes: [Client], [Connection],
// [ResourceServer] and [ClientGrant] have the field names that its Management
// API and its tenant files use, and convert to and from the vault's records,
// which keep the specifications' names.
//
// # The tenant file
//
// A tenant file holds lists of these shapes, as auth0-deploy-cli's does:
//
//	src ── Parse ──▶ Tenant ──┬─ Plan ──▶ Plan     what would change
//	 ▲                        └─ Apply ─▶ Plan     what did, in one transaction
//	 └────── Export ◀── Tx                         what is stored, as a file
//
// The file says what should be, and only that. A field that it does not mention
// keeps what is stored, or gets its default when the record is made. A record
// that it does not mention is left alone: nothing is ever deleted. What is
// stored just as the file says is not checked again.
//
// # From source to shapes
//
// The source is parsed to a tree of nodes that know their line and column, the
// environment is filled into its scalars, and the tree is decoded into shapes,
// strictly. Since the environment comes after the parser, no variable's value
// can add a key. Errors are one line, FILE:LINE:COLUMN: KEY: PROBLEM, and tell
// no secret: values are not quoted, and where a record's own check quotes one,
// what came from the environment is shown as its variable.
//
//	${NAME}    the variable's text, within a string or as the whole of it
//	##NAME##   the same; unquoted it must not be first on its line, or it is a comment
//	@@NAME@@   the variable's JSON, in place of the whole value
//
// "\x24{NAME}" in double quotes is the text ${NAME} itself.
package api
