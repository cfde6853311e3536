//! Public keys in ATProto's format, and signatures by them.
//!
//! Specification: <https://atproto.com/specs/cryptography>.

use k256::ecdsa::signature::Verifier as _;

use crate::{KeyError, Refusal};

/// Multicodec of a compressed secp256k1 point, as a varint.
const SECP256K1: [u8; 2] = [0xe7, 0x01];
/// Multicodec of a compressed P-256 point, as a varint.
const P256: [u8; 2] = [0x80, 0x24];
/// Compressed and uncompressed points, in base58, with room.
const MAX_TEXT: usize = 128;

/// The key of an account.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PublicKey(Curve);

#[derive(Debug, Clone, PartialEq, Eq)]
enum Curve {
    K256(k256::ecdsa::VerifyingKey),
    P256(p256::ecdsa::VerifyingKey),
}

impl PublicKey {
    /// Reads a Multikey, `zQ3s...` or `zDna...`, with or without `did:key:` before it.
    ///
    /// # Errors
    /// [`KeyError::Malformed`].
    pub fn parse(text: &str) -> Result<Self, KeyError> {
        let bytes = base58btc(text.strip_prefix("did:key:").unwrap_or(text))?;
        let (codec, point) = bytes.split_first_chunk().ok_or(KeyError::Malformed)?;
        if point.len() != 33 {
            return Err(KeyError::Malformed);
        }
        match *codec {
            SECP256K1 => Self::k256(point),
            P256 => Self::p256(point),
            _ => Err(KeyError::Malformed),
        }
    }

    /// Parses a point without multicodec, as in the verification methods before Multikey.
    pub(crate) fn legacy_k256(multibase: &str) -> Result<Self, KeyError> {
        Self::k256(&base58btc(multibase)?)
    }

    /// As [`PublicKey::legacy_k256`], for P-256.
    pub(crate) fn legacy_p256(multibase: &str) -> Result<Self, KeyError> {
        Self::p256(&base58btc(multibase)?)
    }

    fn k256(point: &[u8]) -> Result<Self, KeyError> {
        k256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| Self(Curve::K256(key)))
            .map_err(|_| KeyError::Malformed)
    }

    fn p256(point: &[u8]) -> Result<Self, KeyError> {
        p256::ecdsa::VerifyingKey::from_sec1_bytes(point)
            .map(|key| Self(Curve::P256(key)))
            .map_err(|_| KeyError::Malformed)
    }

    /// Verifies ECDSA over the SHA-256 of `message`: `r || s`, 64 bytes, low-S.
    ///
    /// # Errors
    /// [`Refusal::MalformedSignature`], [`Refusal::HighS`], [`Refusal::BadSignature`].
    pub fn verify(&self, message: &[u8], signature: &[u8]) -> Result<(), Refusal> {
        match &self.0 {
            Curve::K256(key) => {
                let signature = k256::ecdsa::Signature::from_slice(signature)
                    .map_err(|_| Refusal::MalformedSignature)?;
                if signature.normalize_s() != signature {
                    return Err(Refusal::HighS);
                }
                key.verify(message, &signature)
            }
            Curve::P256(key) => {
                let signature = p256::ecdsa::Signature::from_slice(signature)
                    .map_err(|_| Refusal::MalformedSignature)?;
                if signature.normalize_s() != signature {
                    return Err(Refusal::HighS);
                }
                key.verify(message, &signature)
            }
        }
        .map_err(|_| Refusal::BadSignature)
    }
}

fn base58btc(multibase: &str) -> Result<Vec<u8>, KeyError> {
    multibase
        .strip_prefix('z')
        .filter(|text| text.len() <= MAX_TEXT)
        .and_then(|text| bs58::decode(text).into_vec().ok())
        .ok_or(KeyError::Malformed)
}

#[cfg(test)]
mod tests;
