// A binary heap whose elements know their place in it, so that any of them can leave in O(log n).
#pragma once

#include <cstddef>
#include <cstdint>
#include <utility>
#include <vector>

namespace faas::inline v0::scheduler {

inline constexpr std::size_t kNotInHeap = SIZE_MAX;

// Borrows its elements. `Before(a, b)`: a is nearer the top. Call update() after a change of the
// key.
template <class T, std::size_t T::*place, class Before>
class Heap {
 public:
  bool empty() const { return elements_.empty(); }
  T* top() const { return elements_.empty() ? nullptr : elements_.front(); }
  static bool contains(T const& element) { return element.*place != kNotInHeap; }

  void push(T& element) {
    elements_.push_back(&element);
    element.*place = elements_.size() - 1;
    rise(element.*place);
  }

  void erase(T& element) {
    std::size_t hole = element.*place;
    T* last = elements_.back();
    elements_.pop_back();
    element.*place = kNotInHeap;
    if (last == &element) return;
    put(hole, last);
    update(*last);
  }

  void update(T& element) { sink(rise(element.*place)); }

 private:
  void put(std::size_t at, T* element) {
    elements_[at] = element;
    element->*place = at;
  }

  void exchange(std::size_t a, std::size_t b) {
    T* first = elements_[a];
    put(a, elements_[b]);
    put(b, first);
  }

  std::size_t rise(std::size_t at) {
    while (at > 0 && Before{}(*elements_[at], *elements_[(at - 1) / 2])) {
      exchange(at, (at - 1) / 2);
      at = (at - 1) / 2;
    }
    return at;
  }

  void sink(std::size_t at) {
    for (;;) {
      std::size_t first = at;
      for (std::size_t child : {2 * at + 1, 2 * at + 2})
        if (child < elements_.size() && Before{}(*elements_[child], *elements_[first]))
          first = child;
      if (first == at) return;
      exchange(at, first);
      at = first;
    }
  }

  std::vector<T*> elements_;
};

}  // namespace faas::inline v0::scheduler
