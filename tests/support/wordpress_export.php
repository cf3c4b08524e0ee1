<?php
// Writes what Tools, Export of a WordPress gives: php wordpress_export.php FOLDER URL
[, $folder, $url] = $argv;
$address = parse_url($url);
$_SERVER['HTTP_HOST'] = $address['host'] . ':' . $address['port'];
$_SERVER['SERVER_NAME'] = $address['host'];
$_SERVER['SERVER_PROTOCOL'] = 'HTTP/1.1';
$_SERVER['REQUEST_METHOD'] = 'GET';
$_SERVER['REQUEST_URI'] = '/';
require "$folder/wp-load.php";
require ABSPATH . 'wp-admin/includes/export.php';
export_wp();
