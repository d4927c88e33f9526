package vault

// RecordsIn is a kind of record that the schema does not have.
func RecordsIn[R Record](v *Vault, kv KV, bucket string) Records[R] {
	return Records[R]{&Tx{v: v, kv: kv}, bucket}
}
