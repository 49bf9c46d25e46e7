// Ids to objects: open addressing with linear probing. Grows, never shrinks; inserting below its
// high-water mark allocates nothing.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

namespace faas::inline v0::scheduler {

// Borrows the objects; `Id` is a 64-bit enum and T has a member `id`.
template <class Id, class T>
class Index {
 public:
  std::size_t size() const { return size_; }

  T* find(Id id) const {
    if (slots_.empty()) return nullptr;
    for (std::size_t at = home(id);; at = next(at))
      if (!slots_[at] || slots_[at]->id == id) return slots_[at];
  }

  // `object.id` is not in the index.
  void insert(T& object) {
    if (2 * (size_ + 1) > slots_.size()) grow();
    place(object);
    ++size_;
  }

  void erase(T const& object) {
    std::size_t hole = home(object.id);
    while (slots_[hole] != &object) hole = next(hole);
    close(hole);
    --size_;
  }

  template <class Visit>
  void each(Visit visit) const {
    for (T* object : slots_)
      if (object) visit(*object);
  }

 private:
  // Fibonacci hashing: ids are often consecutive, and may be chosen by a stranger's arithmetic.
  std::size_t home(Id id) const {
    return (static_cast<std::uint64_t>(id) * 0x9E3779B97F4A7C15u) >> shift_;
  }
  std::size_t next(std::size_t at) const { return (at + 1) & (slots_.size() - 1); }

  void place(T& object) {
    std::size_t at = home(object.id);
    while (slots_[at]) at = next(at);
    slots_[at] = &object;
  }

  // Moves back what would no longer be found across the hole, so that no tombstones are needed.
  void close(std::size_t hole) {
    slots_[hole] = nullptr;
    for (std::size_t at = next(hole); slots_[at]; at = next(at)) {
      std::size_t wanted = home(slots_[at]->id);
      std::size_t mask = slots_.size() - 1;
      if (((at - wanted) & mask) < ((at - hole) & mask)) continue;
      slots_[hole] = slots_[at];
      slots_[at] = nullptr;
      hole = at;
    }
  }

  void grow() {
    std::vector<T*> old(slots_.empty() ? 16 : 2 * slots_.size());
    old.swap(slots_);
    shift_ = 64;
    for (std::size_t size = slots_.size(); size > 1; size /= 2) --shift_;
    for (T* object : old)
      if (object) place(*object);
  }

  std::vector<T*> slots_;
  std::size_t size_ = 0;
  unsigned shift_ = 64;
};

}  // namespace faas::inline v0::scheduler
