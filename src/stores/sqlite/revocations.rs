//! Tokens that ended early, until they would have ended anyway.

use rusqlite::{Connection, Result};

use crate::broker::ports::TokenId;
use crate::stores::sqlite::columns::to_db;

/// Keeps a revocation; of two for one token, the longer.
pub(super) fn revoke(conn: &Connection, (token, expires_s): &(TokenId, u64)) -> Result<()> {
    conn.prepare_cached(
        "INSERT INTO revocations (jti, expires_s) VALUES (?1, ?2)
         ON CONFLICT DO UPDATE SET expires_s = max(expires_s, excluded.expires_s)",
    )?
    .execute((token, to_db(*expires_s)))?;
    Ok(())
}

/// Forgets what no longer matters and tells the rest.
pub(super) fn revoked(conn: &Connection, now_s: &u64) -> Result<Vec<TokenId>> {
    conn.prepare_cached("DELETE FROM revocations WHERE expires_s <= ?1")?
        .execute([to_db(*now_s)])?;
    conn.prepare_cached("SELECT jti FROM revocations")?
        .query_map([], |row| row.get(0))?
        .collect()
}
