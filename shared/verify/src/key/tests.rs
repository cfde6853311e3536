use p256::ecdsa::signature::Signer as _;

use super::*;

/// A multikey of a P-256 key made from a fixed secret, and the signer.
fn p256_pair() -> (p256::ecdsa::SigningKey, String) {
    let signer = p256::ecdsa::SigningKey::from_slice(&[7; 32]).unwrap();
    let point = signer.verifying_key().to_sec1_point(true);
    let text = bs58::encode([&P256[..], point.as_bytes()].concat()).into_string();
    (signer, format!("z{text}"))
}

/// The other form of a signature: the same `r`, and the order minus `s`.
fn high(signature: &p256::ecdsa::Signature) -> [u8; 64] {
    let negated = -*signature.s();
    let turned = p256::ecdsa::Signature::from_scalars(signature.r().to_bytes(), negated.to_bytes());
    turned.unwrap().to_bytes().into()
}

#[test]
fn a_p256_key_takes_its_own_low_s_signatures_only() {
    let (signer, text) = p256_pair();
    assert!(text.starts_with("zDna"), "{text}");
    let key = PublicKey::parse(&text).unwrap();
    assert_eq!(
        PublicKey::parse(&format!("did:key:{text}")),
        Ok(key.clone())
    );
    let signature: p256::ecdsa::Signature = signer.sign(b"a commit");
    let low = signature.normalize_s();
    assert_eq!(key.verify(b"a commit", &low.to_bytes()), Ok(()));
    assert_eq!(key.verify(b"a commit", &high(&low)), Err(Refusal::HighS));
    assert_eq!(
        key.verify(b"another", &low.to_bytes()),
        Err(Refusal::BadSignature)
    );
    assert_eq!(
        key.verify(b"a commit", &low.to_bytes()[..63]),
        Err(Refusal::MalformedSignature)
    );
    assert_eq!(
        key.verify(b"a commit", &[0; 64]),
        Err(Refusal::MalformedSignature)
    );
}

#[test]
fn only_compressed_points_of_the_two_curves_are_keys() {
    let (signer, good) = p256_pair();
    let long = signer.verifying_key().to_sec1_point(false);
    let uncompressed = bs58::encode([&P256[..], long.as_bytes()].concat()).into_string();
    let point = signer.verifying_key().to_sec1_point(true);
    let ed25519 = bs58::encode([&[0xed, 0x01][..], point.as_bytes()].concat()).into_string();
    for bad in [
        "",
        "z",
        "zDna",
        &good[1..],
        &format!("m{}", &good[1..]),
        &format!("{good}0"),
        &format!("z{uncompressed}"),
        &format!("z{ed25519}"),
        &format!("z{}", "1".repeat(200)),
    ] {
        assert_eq!(PublicKey::parse(bad), Err(KeyError::Malformed), "{bad}");
    }
}
