#include "test/sim/sim_fixture.hpp"

namespace regent::sim {

namespace {

using ids = std::vector<std::int64_t>;

struct list_fixture : model_fixture {
  list_fixture() {
    for (const auto name : {"b", "a"}) {
      auto project = small_project(name);
      project.router.nat.clear();
      REQUIRE(model.add(project));
    }
    put(kind::virtual_router, 1, running);
    put(kind::virtual_router, 2, quiesced);
    put(kind::virtual_router, 3, closed);
  }
  answer list(kind what, const std::string& query) const { return model.list(what, parse_query(query)); }
  json::object about(const std::string& query) const {
    return parsed_body(list(kind::virtual_router, query)).at("_metadata").as_object();
  }
};

}  // namespace

TEST_CASE("a list of states is taken in round brackets, square ones, or none") {
  const list_fixture f;
  for (const auto list : {"(4,6)", "[4,6]", "4,6", "%284%2C%206%29", "('4','6')"}) {
    INFO(list);
    auto found = ids_of(f.list(kind::virtual_router, std::string("search[state__in]=") + list));
    std::sort(found.begin(), found.end());
    CHECK(found == ids{1, 2});
  }
  CHECK(ids_of(f.list(kind::virtual_router, "search[state__in]=")).empty());
  CHECK(ids_of(f.list(kind::virtual_router, "search[state__in]=()")).empty());
}

TEST_CASE("a list with something that is no number is a 400") {
  const list_fixture f;
  const auto said = f.list(kind::virtual_router, "search[state__in]=(1,x)");
  CHECK(said.status == 400);
  CHECK(error_code(said) == "iaas_virtual_router_list_001");
  CHECK(f.list(kind::vm, "search[updated__lte]=yesterday").status == 400);
}

TEST_CASE("records are found by state, project, number and age") {
  list_fixture f;
  CHECK(ids_of(f.list(kind::virtual_router, "search[state]=6")) == ids{2});
  CHECK(ids_of(f.list(kind::virtual_router, "search[project_id]=3")) == ids{3});
  CHECK(ids_of(f.list(kind::virtual_router, "search[id__in]=(1,3)&search[state]=4")) == ids{1});
  CHECK(ids_of(f.list(kind::virtual_router, "search[project__name]=p")) == ids{1});
  CHECK(ids_of(f.list(kind::virtual_router, "search[project__name__istartswith]=B")) == ids{2});
  CHECK(ids_of(f.list(kind::virtual_router, "search[id__range]=(2,9)&order=project_id")) == ids{2, 3});
  const auto now = iso_text(f.time.wall());
  f.time.pass(std::chrono::seconds(5));
  f.put(kind::virtual_router, 1, running);
  CHECK(ids_of(f.list(kind::virtual_router, "order=project_id&search[updated__lte]=" +
                                                iso_text(f.time.wall() - std::chrono::seconds(2)))) == ids{2, 3});
  CHECK(ids_of(f.list(kind::virtual_router, "search[updated__gt]=" + now + "&search[state]=4")) == ids{1});
}

TEST_CASE("addresses are found by subnet and by whether they have a public one") {
  const list_fixture f;
  const auto with = f.list(kind::ip_address, "search[subnet_id__in]=(1,2)&search[public_ip_id__isnull]=False");
  REQUIRE(ids_of(with).size() == 1);
  const auto address = parsed_body(with).at("content").at(0);
  CHECK(address.at("address") == "10.0.0.2");
  CHECK(address.at("public_ip").at("address") == "203.0.113.200");
  CHECK(address.at("subnet").at("address_range") == "10.0.0.1/24");
  CHECK(address.at("vm_id") == 1);
  CHECK(ids_of(f.list(kind::ip_address, "search[subnet_id__in]=(1,2)&search[public_ip_id__isnull]=True")).size() == 1);
}

TEST_CASE("servers are found by the name of their type") {
  const list_fixture f;
  CHECK(ids_of(f.list(kind::server, "search[type__name]=KVM")) == ids{1});
  CHECK(ids_of(f.list(kind::server, "search[type__name]=HyperV")).empty());
  CHECK(ids_of(f.list(kind::server, "search[id__in]=1,2,3")) == ids{1});
}

TEST_CASE("one exclude takes away what it names, two take away only what both name") {
  const list_fixture f;
  CHECK(ids_of(f.list(kind::virtual_router, "exclude[state]=99")) == ids{2, 1});
  CHECK(ids_of(f.list(kind::virtual_router, "exclude[state]=99&exclude[id]=1")) == ids{3, 2, 1});
  CHECK(ids_of(f.list(kind::virtual_router, "exclude[state]=99&exclude[id]=3")) == ids{2, 1});
}

TEST_CASE("an unknown filter is skipped with a warning, and the list is the wrong one") {
  const list_fixture f;
  for (const auto filter :
       {"search[status]=4", "search[state__like]=4", "search[state__icontains]=4", "exclude[colour]=1"}) {
    INFO(filter);
    const auto said = f.list(kind::virtual_router, filter);
    CHECK(ids_of(said).size() == 3);
    CHECK(f.about(filter).at("warnings").as_array().size() == 1);
  }
  CHECK(f.about("search[state]=4").at("warnings").as_array().empty());
}

TEST_CASE("a filter without brackets works alone with a warning, and is dropped silently beside one with brackets") {
  const list_fixture f;
  CHECK(ids_of(f.list(kind::virtual_router, "state=4")) == ids{1});
  CHECK_FALSE(f.about("state=4").at("warnings").as_array().empty());
  CHECK(ids_of(f.list(kind::virtual_router, "state=4&search[project_id]=2")) == ids{2});
  CHECK(f.about("state=4&search[project_id]=2").at("warnings").as_array().empty());
}

TEST_CASE("pages begin at 0, and a limit out of range becomes 50 without a word") {
  const list_fixture f;
  CHECK(ids_of(f.list(kind::virtual_router, "limit=2")) == ids{3, 2});
  CHECK(ids_of(f.list(kind::virtual_router, "limit=2&page=1")) == ids{1});
  CHECK(ids_of(f.list(kind::virtual_router, "limit=2&page=9223372036854775807")).empty());
  CHECK(f.about("limit=2&page=1").at("total_records") == 3);
  for (const auto limit : {"0", "101", "-1", "many"}) {
    CHECK(f.about(std::string("limit=") + limit).at("limit") == 50);
    CHECK(f.about(std::string("limit=") + limit).at("warnings").as_array().empty());
  }
  CHECK(f.about("limit=100").at("limit") == 100);
  CHECK(f.about("page=-3").at("page") == 0);
}

TEST_CASE("every kind has its own default order, and an order by id is refused for most") {
  const list_fixture f;
  const auto order = [&](kind what) {
    return std::string(parsed_body(f.list(what, "")).at("_metadata").at("order").as_string());
  };
  CHECK(order(kind::vm) == "created");
  CHECK(order(kind::virtual_router) == "project__name");
  CHECK(order(kind::backup) == "time_valid");
  CHECK(order(kind::project) == "name");
  CHECK(order(kind::server) == "region_id");
  CHECK(order(kind::snapshot) == "id");
  CHECK(order(kind::vpn) == "id");
  CHECK(order(kind::ceph) == "name");
  CHECK(ids_of(f.list(kind::virtual_router, "")) == ids{3, 2, 1});
  CHECK(ids_of(f.list(kind::virtual_router, "order=-project__name")) == ids{1, 2, 3});
  CHECK(f.about("order=id").at("order") == "project__name");
  CHECK(f.about("order=id").at("warnings").as_array().size() == 1);
}

TEST_CASE("include_related=false shortens a list, and mails stand only in single records") {
  const list_fixture f;
  const auto whole = parsed_body(f.list(kind::vm, "search[id]=1")).at("content").at(0).as_object();
  const auto brief =
      parsed_body(f.list(kind::vm, "search[id]=1&include_related=false")).at("content").at(0).as_object();
  for (const auto related :
       {"gateway_subnet", "history", "image", "ip_addresses", "project", "storage_type", "storages"}) {
    INFO(related);
    CHECK(whole.contains(related));
    CHECK_FALSE(brief.contains(related));
  }
  CHECK(whole.at("storage_type").is_null());
  CHECK(whole.at("emails").as_array().empty());
  const auto single = f.read(kind::vm, 1);
  CHECK(single.at("emails").as_array().size() == 1);
  CHECK(single.at("storage_type") == "SSD");
}

TEST_CASE("what a player put into a field does not break the lists") {
  list_fixture f;
  f.model.force(kind::virtual_router, 1, {{"state", "four"}});
  f.model.force(kind::project, 1, {{"name", 7}});
  f.model.force(kind::virtual_router, 2,
                {{"raw", {{"subnets", "none"}}}, {"raw_remove", json::array{"firewall_rules"}}});
  CHECK(ids_of(f.list(kind::virtual_router, "search[state]=4")).empty());
  CHECK(ids_of(f.list(kind::virtual_router, "")).size() == 3);
  const auto bent = f.read(kind::virtual_router, 2);
  CHECK(bent.at("subnets") == "none");
  CHECK_FALSE(bent.contains("firewall_rules"));
}

TEST_CASE("a query is decoded as browsers encode it, and a broken code stands for itself") {
  CHECK(parse_query("a=%31+2&b&=c&d=%zz%4") == query_items{{"a", "1 2"}, {"b", ""}, {"", "c"}, {"d", "%zz%4"}});
  CHECK(parse_query("").empty());
}

}  // namespace regent::sim
