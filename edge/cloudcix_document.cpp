// Checked facts → the neutral document of region/record.hpp.
#include <rapidjson/stringbuffer.h>
#include <rapidjson/writer.h>

#include "base/limits.hpp"
#include "edge/cloudcix_records.hpp"

namespace regent {

namespace {
using wire_writer = rapidjson::Writer<rapidjson::StringBuffer>;

/// Writes one object: named values, each of a type that JSON has.
class object_writer {
 public:
  explicit object_writer(wire_writer& to) : to_(to) { to_.StartObject(); }
  ~object_writer() { to_.EndObject(); }
  object_writer(const object_writer&) = delete;
  object_writer& operator=(const object_writer&) = delete;
  void text(const char* key, const std::string& value) {
    to_.Key(key);
    to_.String(value);
  }
  void number(const char* key, std::int64_t value) {
    to_.Key(key);
    to_.Int64(value);
  }
  void flag(const char* key, bool value) {
    to_.Key(key);
    to_.Bool(value);
  }
  template <class List, class Each>
  void list(const char* key, const List& items, Each each) {
    to_.Key(key);
    to_.StartArray();
    for (const auto& item : items) each(item);
    to_.EndArray();
  }

 private:
  wire_writer& to_;
};

void write_head(wire_writer& to, object_writer& object, const router_facts& facts) {
  object.number("id", facts.id);
  object.text("name", facts.name);
  to.Key("project");
  {
    object_writer project(to);
    project.number("id", facts.project);
    project.text("name", facts.project_name);
  }
  to.Key("public");
  if (!facts.public_address || !facts.public_gateway) {
    to.Null();
    return;
  }
  object_writer address(to);
  address.text("address", facts.public_address->text());
  address.text("gateway", facts.public_gateway->address_text());
}

void write_lists(wire_writer& to, object_writer& object, const router_facts& facts) {
  object.list("networks", facts.networks, [&](const router_network& network) {
    object_writer out(to);
    out.number("id", network.id);
    out.text("name", network.name);
    out.text("address", network.address.text());
    out.number("vlan", network.vlan);
  });
  object.list("rules", facts.rules, [&](const router_rule& rule) {
    object_writer out(to);
    out.number("id", rule.id);
    out.number("order", rule.order);
    out.flag("allow", rule.allow);
    out.flag("log", rule.log);
    out.text("protocol", rule.protocol);
    out.text("source", rule.source.text());
    out.text("destination", rule.destination.text());
    out.text("port", rule.port);
  });
  object.list("nat", facts.nat, [&](const router_nat& nat) {
    object_writer out(to);
    out.text("public", nat.public_address.address_text());
    out.text("private", nat.private_address.address_text());
  });
  object.list("routes", facts.routes, [&](const router_route& route) {
    object_writer out(to);
    out.text("destination", route.destination.text());
    out.text("gateway", route.gateway.address_text());
    out.number("metric", route.metric);
  });
  object.list("sets", facts.sets, [&](const router_set& set) {
    object_writer out(to);
    out.text("name", set.name);
    out.text("family", set.family == 4 ? "ipv4" : "ipv6");
    out.list("elements", set.elements, [&](const std::string& element) { to.String(element); });
  });
}
}  // namespace

result<record> to_record(const router_facts& facts, bool phantom) {
  rapidjson::StringBuffer buffer;
  wire_writer to(buffer);
  {
    object_writer object(to);
    write_head(to, object, facts);
    write_lists(to, object, facts);
  }
  if (buffer.GetSize() > limits::document_bytes)
    return fail(error_kind::permanent, "record_malformed", "{}: the record is {} bytes long, {} are allowed",
                facts.head.id.text(), buffer.GetSize(), limits::document_bytes);
  auto document = parse_json({buffer.GetString(), buffer.GetSize()});
  if (!document) return failure(error{error_kind::bug, "record_unwritable", document.error().text()});
  return record{facts.head, facts.name, facts.grace, phantom, std::move(*document)};
}

}  // namespace regent
