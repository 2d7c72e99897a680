from hypothesis import assume, given
from hypothesis import strategies as st

from django_toopher.client.signatures import is_signed_postback, sign_postback
from tests.tables import table

from .conftest import SECRET

ALWAYS = {"session_token": "s9s7vsb", "timestamp": "1000"}
AUTHENTICATION_REQUEST = {
    "resource_type": "authentication_request",
    "id": "1",
    "pending": "false",
    "granted": "true",
    "automated": "false",
    "reason": "it is a test",
    "reason_code": "100",
    "terminal_id": "1",
    "terminal_name": "terminal name",
    "terminal_requester_specified_id": "requester specified id",
    "pairing_user_id": "1",
    "user_name": "user name",
    "user_toopher_authentication_enabled": "true",
    "action_id": "1",
    "action_name": "action name",
}
PAIRING = {
    "resource_type": "pairing",
    "id": "1",
    "enabled": "true",
    "pending": "false",
    "pairing_user_id": "1",
    "user_name": "user name",
    "user_toopher_authentication_enabled": "true",
}
REQUESTER_USER = {
    "resource_type": "requester_user",
    "id": "1",
    "name": "user name",
    "toopher_authentication_enabled": "true",
}
DEACTIVATED = {
    "error_code": "707",
    "error_message": "Not allowed: This pairing has been deactivated.",
}
DISPUTED = {"terminal_name": "a*b~c d+é"}

VECTORS = [
    ({"foo": "bar"}, "6d2c7GlQssGmeYYGpcf+V/kirOI="),
    (AUTHENTICATION_REQUEST, "s+fYUtChrNMjES5Xa+755H7BQKE="),
    (PAIRING, "ucwKhkPpN4VxNbx3dMypWzi4tBg="),
    (REQUESTER_USER, "RszgG9QE1rF9t7DVTGg+1I25yHM="),
    (DEACTIVATED, "OIIA0kjzyU3XoS45Mz3i7EC627A="),
    (DISPUTED, "i5s2iNZSAQVm2rymnY3ONo1XxPk="),
]

texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
names = texts.filter(lambda name: name != "toopher_sig")
postbacks = st.dictionaries(names, texts, max_size=6)
encodings = st.sampled_from(["python-php", "java-ruby", "dotnet-py3"])
accepted = st.sampled_from(["python-php", "dotnet-py3"])


def signed(fields, encoding="python-php"):
    return {**fields, "toopher_sig": sign_postback(fields, SECRET, encoding)}


@table(("fields", "signature"), VECTORS)
def test_the_protocols_vectors(fields, signature):
    assert sign_postback({**fields, **ALWAYS}, SECRET) == signature


@table(
    ("encoding", "signature"),
    [
        ("python-php", "i5s2iNZSAQVm2rymnY3ONo1XxPk="),
        ("java-ruby", "FabBvwVTFfg4UIeCBmYBfJAiQCg="),
        ("dotnet-py3", "UTLQXYP4n2N5G3dDFMwTasfxu5Y="),
    ],
)
def test_each_encoding_has_its_own_signature_for_disputed_characters(encoding, signature):
    assert sign_postback({**DISPUTED, **ALWAYS}, SECRET, encoding) == signature


def test_a_signature_among_the_fields_is_not_signed():
    assert sign_postback({"foo": "bar", "toopher_sig": "x"}, SECRET) == sign_postback({"foo": "bar"}, SECRET)


@given(postbacks, encodings)
def test_a_signature_is_28_characters_of_base64(fields, encoding):
    signature = sign_postback(fields, SECRET, encoding)
    assert len(signature) == 28
    assert signature.endswith("=")


@given(postbacks, accepted)
def test_what_is_signed_verifies(fields, encoding):
    assert is_signed_postback(signed(fields, encoding), SECRET)


def test_the_encoding_of_java_is_not_accepted_where_it_differs():
    assert not is_signed_postback(signed(DISPUTED, "java-ruby"), SECRET)


@given(postbacks, accepted, postbacks)
def test_S01_one_signature_never_fits_two_postbacks(fields, encoding, others):
    assume(fields != others)
    signature = sign_postback(fields, SECRET, encoding)
    assert not is_signed_postback({**others, "toopher_sig": signature}, SECRET)


@given(st.data(), postbacks.filter(bool), accepted, texts)
def test_S01_a_changed_value_does_not_verify(data, fields, encoding, text):
    name = data.draw(st.sampled_from(sorted(fields)))
    assume(fields[name] != text)
    assert not is_signed_postback({**signed(fields, encoding), name: text}, SECRET)


@given(st.data(), postbacks.filter(bool), accepted, names)
def test_S01_a_changed_name_does_not_verify(data, fields, encoding, new_name):
    assume(new_name not in fields)
    altered = signed(fields, encoding)
    altered[new_name] = altered.pop(data.draw(st.sampled_from(sorted(fields))))
    assert not is_signed_postback(altered, SECRET)


@given(st.data(), postbacks.filter(bool), accepted)
def test_S01_a_removed_field_is_noticed(data, fields, encoding):
    altered = signed(fields, encoding)
    del altered[data.draw(st.sampled_from(sorted(fields)))]
    assert not is_signed_postback(altered, SECRET)


@given(postbacks, accepted, names, texts)
def test_S01_an_added_field_is_noticed(fields, encoding, name, text):
    assume(name not in fields)
    assert not is_signed_postback({**signed(fields, encoding), name: text}, SECRET)


@given(postbacks, accepted, st.integers(0, 27), st.characters(exclude_categories=["Cs"]))
def test_S01_a_changed_signature_does_not_verify(fields, encoding, position, character):
    altered = signed(fields, encoding)
    signature = altered["toopher_sig"]
    assume(signature[position] != character)
    altered["toopher_sig"] = signature[:position] + character + signature[position + 1 :]
    assert not is_signed_postback(altered, SECRET)


@given(postbacks, accepted, texts)
def test_S01_another_secret_does_not_verify(fields, encoding, other):
    # HMAC fills short keys up with zero bytes
    assume(other.rstrip("\0") != SECRET)
    assert not is_signed_postback(signed(fields, encoding), other)


@table("signature", ["", " ", "None", "é", "AAAAAAAAAAAAAAAAAAAAAAAAAAA="])
def test_S01_what_is_no_signature_does_not_verify(signature):
    assert not is_signed_postback({**ALWAYS, "toopher_sig": signature}, SECRET)


def test_S01_an_unsigned_postback_does_not_verify():
    assert not is_signed_postback(ALWAYS, SECRET)
