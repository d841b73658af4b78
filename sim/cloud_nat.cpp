// NAT of VMs: which addresses of a VM get a public one with a PATCH or PUT of `ip_addresses`, and which lose theirs.
#include <algorithm>

#include "sim/cloud_model.hpp"

namespace regent::sim {

const row* cloud_model::address_of_vm(const row& vm, const std::string& address) const {
  for (const auto id : rows_.where(kind::ip_address, "vm_id", number_in(vm, "id", -1)))
    if (const auto* own = rows_.find(kind::ip_address, id); text_in(*own, "address") == address) return own;
  return nullptr;
}

cloud_model::verdict cloud_model::check_vm_addresses(const row& vm, const json::object& change, nat_change& nat) const {
  const auto* list = change.if_contains("ip_addresses");
  if (!list) return std::nullopt;
  const auto no = [](int number, std::string_view why) -> verdict {
    return refusal{"ip_addresses", update_code(kind::vm, number), std::string(why)};
  };
  std::set<std::int64_t> on, off;
  const auto* gateway = rows_.find(kind::subnet, number_in(vm, "gateway_subnet_id", -1));
  for (const auto& entry : list->get_array()) {
    const auto wish = entry.is_object() ? entry.get_object() : json::object();
    const auto* own = address_of_vm(vm, text_in(wish, "address"));
    if (!own) return no(115, "One of the addresses is not the VM's.");
    // An entry without "nat" takes it away, and no record that is read has that field.
    const bool has = number_in(*own, "public_ip_id", -1) != -1, wants = flag_in(wish, "nat");
    if (wants && !has && !(gateway && lies_in(text_in(*own, "address"), text_in(*gateway, "address_range"))))
      return no(113, "Only addresses in the gateway subnet can have a public one.");
    if (wants != has) (wants ? on : off).insert(number_in(*own, "id"));
  }
  nat.off.assign(off.begin(), off.end());
  const auto addresses = free_public_addresses(on.size());
  if (addresses.size() < on.size()) return no(114, "No public address is free.");
  auto next = addresses.begin();
  for (const auto id : on) nat.on.emplace_back(id, *next++);
  return std::nullopt;
}

void cloud_model::change_nat(const nat_change& nat) {
  for (const auto id : nat.off) {
    auto& inside = *rows_.find(kind::ip_address, id);
    end_nat(inside);
    rows_.touch(inside);
  }
  for (const auto& [id, outside] : nat.on) {
    auto& inside = *rows_.find(kind::ip_address, id);
    inside["public_ip_id"] = add_public_address(outside);
    rows_.touch(inside);
  }
}

void cloud_model::end_nat(row& inside) {
  rows_.erase(kind::ip_address, number_in(inside, "public_ip_id", -1));
  inside["public_ip_id"] = nullptr;
}

std::int64_t cloud_model::nat_count(const row& vm) const {
  const auto own = rows_.where(kind::ip_address, "vm_id", number_in(vm, "id", -1));
  return std::count_if(own.begin(), own.end(), [this](auto id) {
    return number_in(*rows_.find(kind::ip_address, id), "public_ip_id", -1) != -1;
  });
}

}  // namespace regent::sim
