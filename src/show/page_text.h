/* The texts of src/show/page/, which the build turns into strings. */
#ifndef HAP_SHOW_PAGE_TEXT_H
#define HAP_SHOW_PAGE_TEXT_H

extern const char hap_page_style[], hap_page_body[], hap_page_script[];

#endif
