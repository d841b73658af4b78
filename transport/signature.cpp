#include "transport/signature.hpp"

#include <openssl/bn.h>
#include <openssl/core_names.h>
#include <openssl/ec.h>
#include <openssl/ecdsa.h>
#include <openssl/evp.h>
#include <openssl/param_build.h>

#include <memory>
#include <string>

#include "transport/wire.hpp"

namespace regent {
namespace {

template <auto release>
struct freed {
  template <class T>
  void operator()(T* pointer) const {
    release(pointer);
  }
};
using key_ptr = std::unique_ptr<EVP_PKEY, freed<EVP_PKEY_free>>;
using key_context_ptr = std::unique_ptr<EVP_PKEY_CTX, freed<EVP_PKEY_CTX_free>>;
using digest_context_ptr = std::unique_ptr<EVP_MD_CTX, freed<EVP_MD_CTX_free>>;
using builder_ptr = std::unique_ptr<OSSL_PARAM_BLD, freed<OSSL_PARAM_BLD_free>>;
using parameters_ptr = std::unique_ptr<OSSL_PARAM, freed<OSSL_PARAM_free>>;
using number_ptr = std::unique_ptr<BIGNUM, freed<BN_free>>;
using ecdsa_ptr = std::unique_ptr<ECDSA_SIG, freed<ECDSA_SIG_free>>;

const unsigned char* bytes_of(std::string_view text) { return reinterpret_cast<const unsigned char*>(text.data()); }

number_ptr number_of(std::string_view text) {
  return number_ptr(BN_bin2bn(bytes_of(text), static_cast<int>(text.size()), nullptr));
}

key_ptr key_from(const char* type, OSSL_PARAM_BLD* builder) {
  const parameters_ptr parameters(OSSL_PARAM_BLD_to_param(builder));
  const key_context_ptr context(EVP_PKEY_CTX_new_from_name(nullptr, type, nullptr));
  EVP_PKEY* key = nullptr;
  if (!parameters || !context || EVP_PKEY_fromdata_init(context.get()) != 1 ||
      EVP_PKEY_fromdata(context.get(), &key, EVP_PKEY_PUBLIC_KEY, parameters.get()) != 1) {
    return nullptr;
  }
  return key_ptr(key);
}

bool verify(EVP_PKEY* key, const EVP_MD* digest, std::string_view message, std::string_view signature) {
  const digest_context_ptr context(EVP_MD_CTX_new());
  return key != nullptr && EVP_DigestVerifyInit(context.get(), nullptr, digest, nullptr, key) == 1 &&
         EVP_DigestVerify(context.get(), bytes_of(signature), signature.size(), bytes_of(message), message.size()) == 1;
}

bool verify_ed25519(wire::fields key, std::string_view message, std::string_view signature) {
  const std::string_view point = key.text();
  const key_ptr loaded(EVP_PKEY_new_raw_public_key(EVP_PKEY_ED25519, nullptr, bytes_of(point), point.size()));
  return verify(loaded.get(), nullptr, message, signature);
}

bool verify_rsa(wire::fields key, const EVP_MD* digest, std::string_view message, std::string_view signature) {
  const number_ptr e = number_of(key.text()), n = number_of(key.text());
  const builder_ptr builder(OSSL_PARAM_BLD_new());
  if (!key.good() || BN_num_bits(n.get()) < 2048 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_N, n.get()) != 1 ||
      OSSL_PARAM_BLD_push_BN(builder.get(), OSSL_PKEY_PARAM_RSA_E, e.get()) != 1) {
    return false;
  }
  return verify(key_from("RSA", builder.get()).get(), digest, message, signature);
}

bool verify_ecdsa(wire::fields key, std::string_view message, std::string_view signature) {
  const std::string curve(key.text());
  const std::string_view point = key.text();
  const EVP_MD* digest = curve == "nistp256"   ? EVP_sha256()
                         : curve == "nistp384" ? EVP_sha384()
                         : curve == "nistp521" ? EVP_sha512()
                                               : nullptr;
  const std::string group = digest == nullptr ? "" : "P-" + curve.substr(5);
  const builder_ptr builder(OSSL_PARAM_BLD_new());
  if (!key.good() || digest == nullptr ||
      OSSL_PARAM_BLD_push_utf8_string(builder.get(), OSSL_PKEY_PARAM_GROUP_NAME, group.c_str(), 0) != 1 ||
      OSSL_PARAM_BLD_push_octet_string(builder.get(), OSSL_PKEY_PARAM_PUB_KEY, point.data(), point.size()) != 1) {
    return false;
  }
  wire::fields parts(signature);
  number_ptr r = number_of(parts.text()), s = number_of(parts.text());
  const ecdsa_ptr pair(ECDSA_SIG_new());
  if (!parts.good() || ECDSA_SIG_set0(pair.get(), r.release(), s.release()) != 1) return false;
  unsigned char* der = nullptr;
  const int size = i2d_ECDSA_SIG(pair.get(), &der);
  const std::string encoded(reinterpret_cast<char*>(der), size > 0 ? static_cast<std::size_t>(size) : 0);
  OPENSSL_free(der);
  return verify(key_from("EC", builder.get()).get(), digest, message, encoded);
}

}  // namespace

bool verify_signature(std::string_view key, std::string_view message, std::string_view signature) {
  wire::fields key_fields(key), parts(signature);
  const std::string_view type = key_fields.text(), algorithm = parts.text(), bytes = parts.text();
  if (!key_fields.good() || !parts.good() || !parts.empty()) return false;
  if (type == "ssh-rsa" && algorithm == "rsa-sha2-512") return verify_rsa(key_fields, EVP_sha512(), message, bytes);
  if (type == "ssh-rsa" && algorithm == "rsa-sha2-256") return verify_rsa(key_fields, EVP_sha256(), message, bytes);
  if (type != algorithm) return false;
  if (type == "ssh-ed25519") return verify_ed25519(key_fields, message, bytes);
  return type.starts_with("ecdsa-sha2-nistp") && verify_ecdsa(key_fields, message, bytes);
}

}  // namespace regent
